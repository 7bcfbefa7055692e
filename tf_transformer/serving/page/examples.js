// Sentences to begin with. A model's own come from its `info`; English ones are here,
// and what to look at in them is known for Korean.

import { byId, make } from "./element.js";

// `look`: how the Korean word begins that names what *it* is; `note`: what to see there.
const ENGLISH = [
  { text: "I am a student." },
  {
    text: "The animal didn't cross the street because it was too tired.",
    look: "동물",
    note: "\u201cIt\u201d may be the animal or the street, and Korean has to name it. "
      + "Which heads look at \u201canimal\u201d while 동물은 is written?",
  },
  {
    text: "The animal didn't cross the street because it was too wide.",
    look: "길",
    note: "\u201cIt\u201d may be the animal or the street, and Korean has to name it. "
      + "Which heads look at \u201cstreet\u201d while 길이 is written?",
  },
  { text: "Two small children often drink cold milk." },
];

// [{text, look, note}]; none where it is not known what the model reads.
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
