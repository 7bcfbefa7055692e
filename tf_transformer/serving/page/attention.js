// Attention of one text: kinds, heads, words.

import { addRadio, byId, make, markRadio, radioGroup } from "./element.js";
import { markHead, showHeads, showInHeads } from "./heads.js";
import { addUnit, listen, show, weave } from "./loom.js";
import { nameOf, units, withoutPadding } from "./pieces.js";
import { text as say } from "./texts.js";
import { entropyShare, looksOf, percent, pooled, strongest } from "./weights.js";

const KINDS = ["encoder", "decoder", "cross"];
const UNITS = ["words", "tokens"];

const view = {
  kind: null, layer: 0, head: 0, inWords: true, pointed: null, pinned: null,
};
let maps = null; // {source, target, read, weights: {kind: [layer][head][query][key]}}
let picture = null; // {lines, matrices: [layer][head][query][key]} of this kind and unit
let languages = ["", ""];

const chosen = () => view.pointed ?? view.pinned;
const matrix = () => picture.matrices[view.layer][view.head];
const kinds = () => KINDS.filter((kind) => kind in maps.weights);

// The outputs of the signature `attend` for one text, without padding.
function mapsOf(outputs) {
  const [source, target] = [outputs.source[0], outputs.target[0]].map(withoutPadding);
  const read = ["<s>", ...target.slice(0, -1)];
  const sizes = {
    encoder: [source.length, source.length],
    decoder: [target.length, target.length],
    cross: [target.length, source.length],
  };
  const weights = {};
  for (const [kind, [rows, columns]] of Object.entries(sizes)) {
    if (!(kind in outputs)) continue; // a recurrent model has no self-attention
    const cut = (map) => map.slice(0, rows).map((row) => row.slice(0, columns));
    weights[kind] = outputs[kind][0].map((heads) => heads.map(cut));
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
  picture = { lines, matrices };
}

const entropies = () => maps.weights[view.kind].map((heads) =>
  heads.map((map) => entropyShare(map, view.kind === "decoder")));

// The head of the last layer with the lowest entropy.
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
  fill(byId("kinds"), kinds().map((kind) => say(kind)), kinds().indexOf(view.kind));
  fill(byId("units"), UNITS.map((unit) => say(unit)), view.inWords ? 0 : 1);
}

function showMaps() {
  pool();
  showHeads(picture.matrices, entropies());
  byId("queries-title").textContent = say(`${view.kind}Queries`);
  byId("keys-title").textContent = say(`${view.kind}Keys`);
  weave(picture.lines, languagesOf(view.kind));
  showHead();
}

function showHead() {
  markHead(view.layer * picture.matrices[0].length + view.head);
  const head = say("head", { layer: view.layer + 1, head: view.head + 1 });
  const title = say(`${view.kind}Title`);
  byId("head-title").textContent = say("headOf", { title, head });
  showWord();
}

function showWord() {
  show(matrix(), chosen(), view.pinned);
  showInHeads(picture.matrices, chosen(), picture.lines);
  byId("summary").textContent = chosen() ? summary(chosen()) : "";
  byId("note").hidden = view.kind !== "cross"; // its question is about cross-attention
}

function summary(word) {
  const opposite = picture.lines[word.side === "queries" ? "keys" : "queries"];
  const most = strongest(looksOf(matrix(), word), 4)
    .map(([index, weight]) => `${nameOf(opposite[index])} ${percent(weight)}`);
  return say(word.side === "queries" ? "attendsTo" : "attendedBy", {
    word: nameOf(picture.lines[word.side][word.index]),
    most: most.join(", ") || say("nothing"),
  });
}

function release() {
  view.pinned = view.pointed = null;
}

function choose(part, value) {
  view[part] = value;
  release();
  showSwitches();
  if (part === "kind") chooseSharpest();
  showMaps();
}

function showPieces(id, title, pieces) {
  byId(`${id}-title`).textContent = say(title, { count: pieces.length });
  byId(id).replaceChildren();
  for (const unit of units(pieces, false)) addUnit(make("li", byId(id)), unit);
}

// Shows the outputs of `attend`; `look` is the beginning of the word of the translation to
// select, if any, and `note` a question about it.
export function showAttention(outputs, newLanguages, { look, note }) {
  maps = mapsOf(outputs);
  languages = newLanguages;
  release();
  const isNew = !kinds().includes(view.kind)
    || !maps.weights[view.kind][view.layer]?.[view.head];
  if (look) Object.assign(view, { inWords: true, kind: "cross" });
  if (isNew) view.kind = "cross";
  if (isNew || look) chooseSharpest();
  showPieces("source-pieces", "sourceTokens", maps.source);
  showPieces("target-pieces", "targetTokens", maps.target);
  byId("source-pieces").lang = languages[0];
  byId("target-pieces").lang = languages[1];
  byId("pieces").hidden = byId("attention-parts").hidden = false;
  showAttentionState(kinds().length > 1 ? "" : say("crossOnly"));
  markAttention(true);
  showSwitches();
  pool();
  const index = look
    ? picture.lines.queries.findIndex((unit) => unit.text.startsWith(look))
    : -1;
  if (index >= 0) view.pinned = { side: "queries", index };
  byId("note").textContent = (index >= 0 && note) || "";
  showMaps();
}

// Marks the attention as outdated unless it belongs to the current text.
export function markAttention(isNew) {
  for (const id of ["pieces", "attention-parts"]) {
    byId(id).classList.toggle("old", !isNew);
  }
}

export function clearAttention(text = "") {
  maps = picture = null;
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
  radioGroup(byId("heads"), () => picture.matrices[0].length, (index) => {
    const numHeads = picture.matrices[0].length;
    view.layer = Math.floor(index / numHeads);
    view.head = index % numHeads;
    showHead();
  });
  listen(
    (word) => { view.pointed = word; if (maps) showWord(); },
    (word) => {
      const { pinned } = view;
      const isSame = pinned?.side === word.side && pinned?.index === word.index;
      view.pinned = isSame ? null : word;
      showWord();
    },
  );
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && maps) { release(); showWord(); }
  });
  new ResizeObserver(() => { if (maps) showWord(); }).observe(byId("loom"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (maps) { showHeads(picture.matrices, entropies()); showHead(); }
  });
}
