// Where the model looked: kinds of attention, heads, words. One text at a time.

import { addRadio, byId, make, markRadio, radioGroup } from "./element.js";
import { markHead, showHeads, showInHeads } from "./heads.js";
import { addUnit, listen, show, weave } from "./loom.js";
import { nameOf, units, withoutPadding } from "./pieces.js";
import { entropyShare, looksOf, percent, pooled, strongest } from "./weights.js";

const KINDS = {
  encoder: {
    name: "Encoder", title: "Encoder self-attention",
    queries: "A word of the text", keys: "looks at words of the text",
  },
  decoder: {
    name: "Decoder", title: "Decoder self-attention",
    queries: "Writing this word", keys: "it looks at what it has read so far",
  },
  cross: {
    name: "Cross", title: "Cross-attention",
    queries: "Writing this word of the translation", keys: "it looks at the text",
  },
};
const UNITS = ["Words", "Pieces"];

const view = {
  kind: null, layer: 0, head: 0, inWords: true, pointed: null, held: null,
};
let maps = null; // {source, target, read, weights: {kind: [layer][head][query][key]}}
let drawn = null; // {lines, matrices: [layer][head][query][key]} of this kind and unit
let languages = ["", ""];

const chosen = () => view.pointed ?? view.held;
const matrix = () => drawn.matrices[view.layer][view.head];
const kinds = () => Object.keys(KINDS).filter((kind) => kind in maps.weights);

// The outputs of the signature `attend` for one text, without padding.
function mapsOf(found) {
  const [source, target] = [found.source[0], found.target[0]].map(withoutPadding);
  const read = ["<s>", ...target.slice(0, -1)];
  const sizes = {
    encoder: [source.length, source.length],
    decoder: [target.length, target.length],
    cross: [target.length, source.length],
  };
  const weights = {};
  for (const [kind, [rows, columns]] of Object.entries(sizes)) {
    if (!(kind in found)) continue; // a recurrent model has no self-attention
    const cut = (map) => map.slice(0, rows).map((row) => row.slice(0, columns));
    weights[kind] = found[kind][0].map((heads) => heads.map(cut));
  }
  return { source, target, read, weights };
}

const piecesOf = (kind) => ({
  queries: kind === "encoder" ? maps.source : maps.target,
  keys: kind === "decoder" ? maps.read : maps.source,
});

const languagesOf = (kind) => ({
  queries: languages[kind === "encoder" ? 0 : 1],
  keys: languages[kind === "decoder" ? 1 : 0],
});

function pool() {
  const pieces = piecesOf(view.kind);
  const lines = {
    queries: units(pieces.queries, view.inWords),
    keys: units(pieces.keys, view.inWords),
  };
  const matrices = maps.weights[view.kind].map((heads) =>
    heads.map((map) => pooled(map, lines.queries, lines.keys)));
  drawn = { lines, matrices };
}

const entropies = () => maps.weights[view.kind].map((heads) =>
  heads.map((map) => entropyShare(map, view.kind === "decoder")));

// The last layer's head with the least entropy: where a model is surest where to look.
function chooseSharpest() {
  const all = entropies();
  view.layer = all.length - 1;
  view.head = all[view.layer].indexOf(Math.min(...all[view.layer]));
}

function showSwitches() {
  const fill = (group, names, index) => {
    group.replaceChildren();
    names.forEach((name) => addRadio(group, name));
    markRadio(group, index);
  };
  fill(byId("kinds"), kinds().map((kind) => KINDS[kind].name), kinds().indexOf(view.kind));
  fill(byId("units"), UNITS, view.inWords ? 0 : 1);
}

function showMaps() {
  pool();
  showHeads(drawn.matrices, entropies());
  byId("queries-title").textContent = KINDS[view.kind].queries;
  byId("keys-title").textContent = KINDS[view.kind].keys;
  weave(drawn.lines, languagesOf(view.kind));
  showHead();
}

function showHead() {
  markHead(view.layer * drawn.matrices[0].length + view.head);
  const name = `layer ${view.layer + 1}, head ${view.head + 1}`;
  byId("head-title").textContent = `${KINDS[view.kind].title}, ${name}`;
  showWord();
}

function showWord() {
  show(matrix(), chosen(), view.held);
  showInHeads(drawn.matrices, chosen(), drawn.lines);
  byId("told").textContent = chosen() ? told(chosen()) : "";
  byId("note").hidden = view.kind !== "cross"; // what it asks is seen there
}

function told(word) {
  const opposite = drawn.lines[word.side === "queries" ? "keys" : "queries"];
  const verb = word.side === "queries" ? "looks at" : "is looked at by";
  const most = strongest(looksOf(matrix(), word), 4)
    .map(([index, weight]) => `${nameOf(opposite[index])} ${percent(weight)}`);
  const name = nameOf(drawn.lines[word.side][word.index]);
  return `${name} ${verb} ${most.join(", ") || "nothing"}`;
}

function letGo() {
  view.held = view.pointed = null;
}

function choose(part, value) {
  view[part] = value;
  letGo();
  showSwitches();
  if (part === "kind") chooseSharpest();
  showMaps();
}

function showPieces(id, title, pieces) {
  byId(`${id}-title`).textContent = `${title} in ${pieces.length} pieces`;
  byId(id).replaceChildren();
  for (const unit of units(pieces, false)) addUnit(make("li", byId(id)), unit);
}

// Shows the outputs of `attend`; `look` is how a word of the translation begins that is
// to be held, if any, and `note` what to see there.
export function showAttention(found, newLanguages, { look, note }) {
  maps = mapsOf(found);
  languages = newLanguages;
  letGo();
  const isNew = !kinds().includes(view.kind)
    || !maps.weights[view.kind][view.layer]?.[view.head];
  if (look) Object.assign(view, { inWords: true, kind: "cross" });
  if (isNew) view.kind = "cross";
  if (isNew || look) chooseSharpest();
  showPieces("source-pieces", "The text", maps.source);
  showPieces("target-pieces", "The translation", maps.target);
  byId("source-pieces").lang = languages[0];
  byId("target-pieces").lang = languages[1];
  byId("pieces").hidden = byId("attention-parts").hidden = false;
  showAttentionState(kinds().length > 1 ? "" : "This model has cross-attention only.");
  markAttention(true);
  showSwitches();
  pool();
  const index = look
    ? drawn.lines.queries.findIndex((unit) => unit.text.startsWith(look))
    : -1;
  if (index >= 0) view.held = { side: "queries", index };
  byId("note").textContent = (index >= 0 && note) || "";
  showMaps();
}

// Whether what is drawn belongs to the text that stands above.
export function markAttention(isNew) {
  for (const id of ["pieces", "attention-parts"]) {
    byId(id).classList.toggle("old", !isNew);
  }
}

export function clearAttention(text = "") {
  maps = drawn = null;
  byId("kinds").replaceChildren();
  byId("units").replaceChildren();
  byId("pieces").hidden = byId("attention-parts").hidden = true;
  showAttentionState(text);
}

export function showAttentionState(text, withButton = false) {
  byId("attention-state").textContent = text;
  byId("attention-anyway").hidden = !withButton;
}

export function listenToAttention() {
  radioGroup(byId("kinds"), () => 1, (index) => choose("kind", kinds()[index]));
  radioGroup(byId("units"), () => 1, (index) => choose("inWords", index === 0));
  radioGroup(byId("heads"), () => drawn.matrices[0].length, (index) => {
    const numHeads = drawn.matrices[0].length;
    view.layer = Math.floor(index / numHeads);
    view.head = index % numHeads;
    showHead();
  });
  listen(
    (word) => { view.pointed = word; if (maps) showWord(); },
    (word) => {
      const { held } = view;
      const isSame = held?.side === word.side && held?.index === word.index;
      view.held = isSame ? null : word;
      showWord();
    },
  );
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && maps) { letGo(); showWord(); }
  });
  new ResizeObserver(() => { if (maps) showWord(); }).observe(byId("loom"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (maps) { showHeads(drawn.matrices, entropies()); showHead(); }
  });
}
