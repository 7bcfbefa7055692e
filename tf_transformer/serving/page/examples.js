// Example sentences: those in the model's `info`, otherwise the English ones of this file,
// with notes about attention if the model translates into Korean.

import { byId, make } from "./element.js";
import { text as say } from "./texts.js";

// `look`: the beginning of the Korean word to select; `note`: a question about it.
const ENGLISH = [
  { text: "I am a student." },
  {
    text: "The animal didn't cross the street because it was too tired.",
    look: "동물",
    note: say("itNote", { noun: "animal", word: "동물은" }),
  },
  {
    text: "The animal didn't cross the street because it was too wide.",
    look: "길",
    note: say("itNote", { noun: "street", word: "길이" }),
  },
  { text: "Two small children often drink cold milk." },
];

// [{text, look, note}]; empty if the model's source language is unknown.
export function examplesOf({ examples, languages }) {
  if (Array.isArray(examples)) return examples.map((text) => ({ text: String(text) }));
  if (languages?.[0] !== "en") return [];
  if (languages[1] === "ko") return ENGLISH;
  return ENGLISH.map(({ text }) => ({ text }));
}

export function showExamples(examples, language, choose) {
  const list = byId("example-list");
  list.replaceChildren();
  list.lang = language;
  for (const example of examples) {
    const button = make("button", make("li", list), example.text);
    button.type = "button";
    button.addEventListener("click", () => choose(example));
  }
  byId("examples").hidden = !examples.length;
}
