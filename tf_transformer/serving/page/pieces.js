// Converts the tokenizer's tokens to units that are shown: tokens or whole words.

import { text as say } from "./texts.js";

const BOUNDARY = "\u2581"; // SentencePiece's mark for the space before a word
const NAMES = { "<s>": "start", "</s>": "end", "<unk>": "unknown", "<pad>": "padding" }; // keys of texts.js
const BYTE = /^<0x([0-9A-F]{2})>$/;

const isSpecial = (piece) => Object.hasOwn(NAMES, piece);

// Tokens without padding.
export const withoutPadding = (pieces) => pieces.filter((piece) => piece !== "");

// The positions at which words begin; start and end are separate words.
function wordStarts(pieces) {
  return pieces.flatMap((piece, i) => {
    const starts = i === 0 || piece.startsWith(BOUNDARY) || isSpecial(piece)
      || isSpecial(pieces[i - 1]);
    return starts ? [i] : [];
  });
}

// The text of tokens, with bytes joined to characters.
export function textOf(pieces) {
  const bytes = pieces.flatMap((piece) => {
    const byte = BYTE.exec(piece);
    return byte ? [parseInt(byte[1], 16)] : [...new TextEncoder().encode(piece)];
  });
  const text = new TextDecoder().decode(new Uint8Array(bytes));
  return text.replaceAll(BOUNDARY, " ").trim();
}

// One token: its kind, its text, and whether a word begins with it.
export function describe(piece) {
  if (isSpecial(piece)) return { kind: "special", text: say(NAMES[piece]), begins: false };
  const byte = BYTE.exec(piece);
  if (byte) return { kind: "byte", text: byte[1], begins: false };
  const begins = piece.startsWith(BOUNDARY);
  return { kind: "plain", text: begins ? piece.slice(1) : piece, begins };
}

// The units of a line of the picture, each of the tokens [start, end).
export function units(pieces, inWords) {
  const starts = inWords ? wordStarts(pieces) : [...pieces.keys()];
  return starts.map((start, i) => {
    const end = starts[i + 1] ?? pieces.length;
    const first = describe(pieces[start]);
    if (end - start === 1 && (!inWords || first.kind === "special")) {
      return { start, end, ...first };
    }
    const text = textOf(pieces.slice(start, end));
    return { start, end, kind: "plain", text, begins: false };
  });
}

// The name of a unit in a sentence about it.
export function nameOf(unit) {
  if (unit.kind === "special") return say("special", { name: unit.text });
  if (unit.kind === "byte") return say("byte", { name: unit.text });
  return unit.text || say("space");
}
