"use strict";

const sentences = JSON.parse(document.getElementById("data").textContent).sentences;
const KINDS = {
  encoder: { name: "Encoder", title: "Encoder self-attention",
             queries: "source word", keys: "looks at (source)" },
  decoder: { name: "Decoder", title: "Decoder self-attention",
             queries: "word being written", keys: "looks at (read so far)" },
  cross: { name: "Cross", title: "Cross-attention",
           queries: "word being written", keys: "looks at (source)" },
};
const state = { sentence: 0, kind: "cross", layer: 0, head: 0, pointed: null, held: null };

const byId = (id) => document.getElementById(id);
const current = () => sentences[state.sentence].kinds[state.kind];
const percent = (permille) => `${Math.round(permille / 10)} %`;

function make(tag, parent, text) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text; // words are text, never markup
  parent.append(element);
  return element;
}

// A group of buttons of which one is chosen: Tab enters it, arrow keys move in it.
function radioGroup(group, columns, choose) {
  group.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(Number(button.dataset.index));
  });
  group.addEventListener("keydown", (event) => {
    const buttons = [...group.querySelectorAll("button")];
    const here = buttons.indexOf(document.activeElement);
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns() };
    const there = here + steps[event.key];
    if (here < 0 || !(event.key in steps)) return;
    event.preventDefault();
    if (!buttons[there]) return;
    choose(there);
    group.querySelectorAll("button")[there].focus();
  });
}

function mark(group, chosen) {
  for (const [index, button] of [...group.querySelectorAll("button")].entries()) {
    button.setAttribute("aria-checked", String(index === chosen));
    button.tabIndex = index === chosen ? 0 : -1;
  }
}

function addRadio(group, index, text) {
  const button = make("button", group, text);
  button.type = "button";
  button.dataset.index = index;
  button.setAttribute("role", "radio");
  return button;
}

function showKinds() {
  const kinds = Object.keys(sentences[state.sentence].kinds);
  const group = byId("kinds");
  group.replaceChildren();
  kinds.forEach((kind, index) => addRadio(group, index, KINDS[kind].name));
  mark(group, kinds.indexOf(state.kind));
}

function drawMap(canvas, weights) {
  canvas.width = weights[0].length;
  canvas.height = weights.length;
  const context = canvas.getContext("2d");
  context.fillStyle = getComputedStyle(document.body).getPropertyValue("--accent");
  weights.forEach((row, y) => row.forEach((weight, x) => {
    context.globalAlpha = weight / 1000;
    context.fillRect(x, y, 1, 1);
  }));
}

function showHeads() {
  const { weights, entropy } = current();
  const group = byId("heads");
  group.replaceChildren();
  group.classList.toggle("many", weights[0].length > 4);
  group.style.gridTemplateColumns = `repeat(${weights[0].length}, auto)`;
  weights.forEach((heads, layer) => heads.forEach((map, head) => {
    const button = addRadio(group, layer * heads.length + head);
    const share = entropy[layer][head].toFixed(2);
    button.setAttribute("aria-label", `layer ${layer + 1}, head ${head + 1}, entropy ${share}`);
    drawMap(make("canvas", button), map);
    make("span", button, `${layer + 1}.${head + 1}: ${share}`);
  }));
  mark(group, state.layer * weights[0].length + state.head);
}

function showHead() {
  const { title, queries, keys } = KINDS[state.kind];
  byId("head-title").textContent = `${title}, layer ${state.layer + 1}, head ${state.head + 1}`;
  byId("queries-title").textContent = queries;
  byId("keys-title").textContent = keys;
  for (const side of ["queries", "keys"]) {
    const list = byId(side);
    list.replaceChildren();
    current()[side].forEach((word, index) => {
      const button = make("button", make("li", list));
      button.type = "button";
      button.dataset.index = index;
      button.tabIndex = index ? -1 : 0;
      const label = make("span", button, word);
      label.className = "word";
      label.dir = "auto";
      make("span", button).className = "share";
    });
  }
  showLooks();
}

// Weights in permille of the words opposite to the one pointed at, or null.
function looks(chosen) {
  const weights = current().weights[state.layer][state.head];
  if (!chosen) return null;
  return chosen.side === "queries"
    ? weights[chosen.index]
    : weights.map((row) => row[chosen.index]);
}

function showLooks() {
  const chosen = state.held || state.pointed;
  const weights = looks(chosen);
  for (const side of ["queries", "keys"]) {
    byId(side).querySelectorAll("button").forEach((button, index) => {
      const opposite = chosen && chosen.side !== side;
      const weight = opposite ? weights[index] : 0;
      button.style.setProperty("--weight", weight / 1000);
      button.classList.toggle("chosen", Boolean(chosen) && !opposite && chosen.index === index);
      button.lastChild.textContent = opposite && weight >= 5 ? percent(weight) : "";
    });
  }
  tell(chosen, weights);
  drawLines(chosen);
}

function tell(chosen, weights) {
  if (!chosen) {
    byId("told").textContent = "";
    return;
  }
  const opposite = current()[chosen.side === "queries" ? "keys" : "queries"];
  const strongest = weights
    .map((weight, index) => [weight, opposite[index]])
    .sort((a, b) => b[0] - a[0])
    .slice(0, 4)
    .filter(([weight]) => weight >= 5)
    .map(([weight, word]) => `${word} ${percent(weight)}`);
  const word = current()[chosen.side][chosen.index];
  const verb = chosen.side === "queries" ? "looks at" : "is looked at by";
  byId("told").textContent = `${word} ${verb} ${strongest.join(", ") || "nothing much"}`;
}

function drawLines(chosen) {
  const picture = byId("lines");
  const width = picture.clientWidth;
  const top = picture.getBoundingClientRect().top;
  const middles = ["queries", "keys"].map((side) =>
    [...byId(side).querySelectorAll("button")].map((button) => {
      const box = button.getBoundingClientRect();
      return (box.top + box.bottom) / 2 - top;
    }));
  picture.querySelectorAll("svg > line").forEach((line) => line.remove());
  current().weights[state.layer][state.head].forEach((row, query) => row.forEach((weight, key) => {
    const index = chosen && { queries: query, keys: key }[chosen.side];
    if (weight < 10 || (chosen && index !== chosen.index)) return;
    const line = byId("line").cloneNode();
    const places = { x1: 2, y1: middles[0][query], x2: width - 2, y2: middles[1][key] };
    for (const [name, value] of Object.entries(places)) line.setAttribute(name, value);
    line.removeAttribute("id");
    line.style.strokeWidth = `${1 + weight / 250}px`;
    line.style.strokeOpacity = chosen ? Math.sqrt(weight / 1000) : weight / 1000;
    picture.append(line);
  }));
}

function pointAt(side, event) {
  const button = event.target.closest && event.target.closest("button");
  state.pointed = button ? { side, index: Number(button.dataset.index) } : null;
  showLooks();
}

function hold(side, button) {
  const index = Number(button.dataset.index);
  const same = state.held && state.held.side === side && state.held.index === index;
  state.held = same ? null : { side, index };
  showLooks();
}

function moveInList(side, event) {
  const buttons = [...byId(side).querySelectorAll("button")];
  const here = buttons.indexOf(document.activeElement);
  const other = byId(side === "queries" ? "keys" : "queries").querySelectorAll("button");
  const targets = { ArrowDown: buttons[here + 1], ArrowUp: buttons[here - 1] };
  targets[side === "queries" ? "ArrowRight" : "ArrowLeft"] = other[Math.min(here, other.length - 1)];
  if (!(event.key in targets)) return;
  event.preventDefault();
  if (targets[event.key]) targets[event.key].focus();
}

function listenToWords() {
  for (const side of ["queries", "keys"]) {
    const list = byId(side);
    list.addEventListener("pointerover", (event) => {
      if (event.pointerType === "mouse") pointAt(side, event);
    });
    list.addEventListener("pointerleave", () => { state.pointed = null; showLooks(); });
    list.addEventListener("focusin", (event) => {
      if (event.target.matches(":focus-visible")) pointAt(side, event);
    });
    list.addEventListener("focusout", () => { state.pointed = null; showLooks(); });
    list.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) hold(side, button);
    });
    list.addEventListener("keydown", (event) => moveInList(side, event));
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { state.held = null; showLooks(); }
  });
}

function showAll() {
  state.held = state.pointed = null;
  showKinds();
  showHeads();
  showHead();
}

function start() {
  const select = byId("sentence");
  sentences.forEach((sentence) => make("option", select, sentence.title));
  byId("sentence-choice").hidden = sentences.length < 2;
  select.addEventListener("change", () => { state.sentence = select.selectedIndex; showAll(); });
  state.layer = current().weights.length - 1;
  radioGroup(byId("kinds"), () => 1, (index) => {
    state.kind = Object.keys(sentences[state.sentence].kinds)[index];
    showAll();
  });
  radioGroup(byId("heads"), () => current().weights[0].length, (index) => {
    const numHeads = current().weights[0].length;
    state.layer = Math.floor(index / numHeads);
    state.head = index % numHeads;
    mark(byId("heads"), index);
    showHead();
  });
  listenToWords();
  addEventListener("resize", () => drawLines(state.held || state.pointed));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showHeads);
  showAll();
}

start();
