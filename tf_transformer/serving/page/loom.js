// One head, word by word: queries in the upper line, keys in the lower one. A weight is
// shown by shading, a number, and the strength of a thread between the lines.

import { byId, make } from "./element.js";
import { text as say } from "./texts.js";
import { looksOf, percent } from "./weights.js";

const SVG = "http://www.w3.org/2000/svg";
const SIDES = ["queries", "keys"];
const FAINTEST = { chosen: 0.01, all: 0.1 }; // weights below have no thread

const wordsOf = (side) => [...byId(side).querySelectorAll("button")];
const other = (side) => (side === "queries" ? "keys" : "queries");

export function addUnit(parent, unit) {
  const label = make("span", parent, "", `unit ${unit.kind}`);
  if (unit.begins || (unit.kind === "plain" && !unit.text)) {
    make("span", label, "␣", "boundary").setAttribute("aria-hidden", "true");
  }
  if (unit.kind === "byte") make("span", label, say("byte", { name: "" }), "hidden");
  if (unit.kind === "plain" && !unit.text) make("span", label, say("spaceAlone"), "hidden");
  label.append(unit.text);
}

// Fills both lines; `lines` is {queries, keys}, lists of units.
export function weave(lines, languages) {
  for (const side of SIDES) {
    const list = byId(side);
    list.replaceChildren();
    list.dir = "auto";
    list.lang = languages[side];
    lines[side].forEach((unit, index) => {
      const button = make("button", make("li", list));
      button.type = "button";
      button.tabIndex = index ? -1 : 0;
      addUnit(button, unit);
      make("span", button, "", "number");
    });
  }
}

// Shows the weights of `chosen` ({side, index}; null: all weights of the head). `pinned` is
// the word that is selected when the pointer is elsewhere, or null.
export function show(matrix, chosen, pinned) {
  const weights = chosen && looksOf(matrix, chosen);
  for (const side of SIDES) {
    wordsOf(side).forEach((button, index) => {
      const isOpposite = chosen && chosen.side !== side;
      const isChosen = Boolean(chosen) && !isOpposite && chosen.index === index;
      const weight = isOpposite ? weights[index] : 0;
      button.style.setProperty("--weight", weight);
      button.classList.toggle("chosen", isChosen);
      const isPinned = pinned?.side === side && pinned.index === index;
      button.setAttribute("aria-pressed", String(isPinned));
      button.lastChild.textContent = weight >= 0.005 ? percent(weight) : "";
    });
  }
  drawThreads(matrix, chosen);
}

function drawThreads(matrix, chosen) {
  const picture = byId("threads");
  const origin = picture.getBoundingClientRect();
  const boxes = Object.fromEntries(SIDES.map((side) => [
    side,
    wordsOf(side).map((button) => button.getBoundingClientRect()),
  ]));
  picture.replaceChildren();
  matrix.forEach((row, query) => row.forEach((weight, key) => {
    const isShown = !chosen || { queries: query, keys: key }[chosen.side] === chosen.index;
    if (!isShown || weight < (chosen ? FAINTEST.chosen : FAINTEST.all)) return;
    const from = boxes.queries[query], to = boxes.keys[key];
    const x1 = (from.left + from.right) / 2 - origin.left;
    const y1 = from.bottom - origin.top;
    const x2 = (to.left + to.right) / 2 - origin.left;
    const y2 = to.top - origin.top;
    const bend = (y2 - y1) * 0.55;
    const path = document.createElementNS(SVG, "path");
    path.setAttribute(
      "d", `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`,
    );
    path.style.strokeWidth = `${1 + (chosen ? 5 : 2) * weight}px`;
    path.style.strokeOpacity = chosen ? 0.25 + 0.75 * weight : 0.6 * weight;
    picture.append(path);
  }));
}

// The nearest word of the other line and its distance, for the up and down keys.
function nearest(button, side) {
  const middle = (element) => {
    const box = element.getBoundingClientRect();
    return (box.left + box.right) / 2;
  };
  const distance = (element) => Math.abs(middle(element) - middle(button));
  return wordsOf(side).reduce((a, b) => (distance(b) < distance(a) ? b : a));
}

function move(side, event) {
  const words = wordsOf(side);
  const here = words.indexOf(document.activeElement);
  const isLeftward = getComputedStyle(byId(side)).direction === "rtl";
  const [back, on] = isLeftward ? [1, -1] : [-1, 1];
  const targets = {
    ArrowLeft: words[here + back],
    ArrowRight: words[here + on],
    Home: words[0],
    End: words.at(-1),
  };
  const across = side === "queries" ? "ArrowDown" : "ArrowUp";
  if (event.key === across) targets[across] = nearest(words[here], other(side));
  if (!targets[event.key]) return;
  event.preventDefault();
  targets[event.key].focus();
}

// Calls `point` and `pin` with {side, index}; `point` with null outside of words.
export function listen(point, pin) {
  const at = (side, event) => {
    const index = wordsOf(side).indexOf(event.target.closest("button"));
    return index < 0 ? null : { side, index };
  };
  for (const side of SIDES) {
    const list = byId(side);
    list.addEventListener("pointerover", (event) => {
      if (event.pointerType === "mouse") point(at(side, event));
    });
    list.addEventListener("pointerleave", () => point(null));
    list.addEventListener("focusin", (event) => {
      for (const word of wordsOf(side)) word.tabIndex = word === event.target ? 0 : -1;
      if (event.target.matches(":focus-visible")) point(at(side, event));
    });
    list.addEventListener("focusout", () => point(null));
    list.addEventListener("click", (event) => {
      if (at(side, event)) pin(at(side, event));
    });
    list.addEventListener("keydown", (event) => move(side, event));
  }
}
