// The translation and the n-best list.

import { byId, make } from "./element.js";

const WORDS = /\S+|\s+/g;

// For each of `words` whether it is in the longest common subsequence with `others`.
function common(words, others) {
  const lengths = words.concat("").map(() => new Array(others.length + 1).fill(0));
  for (let i = words.length - 1; i >= 0; i -= 1) {
    for (let j = others.length - 1; j >= 0; j -= 1) {
      lengths[i][j] = words[i] === others[j]
        ? 1 + lengths[i + 1][j + 1]
        : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const isCommon = words.map(() => false);
  for (let i = 0, j = 0; i < words.length && j < others.length;) {
    if (words[i] === others[j]) isCommon[i++] = Boolean(++j);
    else if (lengths[i + 1][j] >= lengths[i][j + 1]) i += 1;
    else j += 1;
  }
  return isCommon;
}

function addText(parent, text, best) {
  const words = text.match(WORDS) ?? [];
  const others = best.match(WORDS) ?? [];
  // the table has words x words cells: only sentences are compared
  const same = words.length * others.length < 40000 ? common(words, others) : null;
  words.forEach((word, i) => {
    if (!same || same[i] || !word.trim()) parent.append(word);
    else make("span", parent, word, "other");
  });
}

// The translations and scores of an answer, best first; null if it has none.
export function translationsIn(outputs, signature) {
  const [translation, score] = [outputs?.translation, outputs?.score].map(
    (list) => (signature === "nbest" ? list?.[0] : list));
  const isList = (list, type) =>
    Array.isArray(list) && list.length > 0 && list.every((value) => typeof value === type);
  return isList(translation, "string") && isList(score, "number") ? { translation, score } : null;
}

// `translation` and `score` are lists, best first.
export function showNbest({ translation, score }) {
  const list = byId("nbest");
  list.replaceChildren();
  translation.forEach((text, i) => {
    if (score[i] === -Infinity) return; // there are fewer translations
    const item = make("li", list);
    const line = make("span", item, "", "reading");
    line.dir = "auto";
    addText(line, text, translation[0]);
    const share = Math.exp(score[i]);
    const number = make("span", item, score[i].toFixed(2).replace("-", "\u2212"), "score");
    number.title = `P = ${share.toPrecision(2)}`;
    const bar = make("span", item, "", "share");
    bar.setAttribute("aria-hidden", "true");
    bar.style.setProperty("--weight", share);
  });
  byId("nbest-part").hidden = !list.children.length;
}

export function showTranslation(text) {
  byId("translation").textContent = text;
  byId("translation").classList.remove("old");
}

// Marks the shown translation as that of an older text.
export function markOld() {
  byId("translation").classList.add("old");
  byId("nbest-part").classList.add("old");
}

export function markNew() {
  byId("translation").classList.remove("old");
  byId("nbest-part").classList.remove("old");
}

export function clearTranslation() {
  showTranslation("");
  byId("nbest").replaceChildren();
  byId("nbest-part").hidden = true;
}

// One line about the state. `kind` is empty, loading, ready, busy or error.
export function showState(kind, text = "") {
  byId("state").dataset.kind = kind;
  byId("state").textContent = text;
}
