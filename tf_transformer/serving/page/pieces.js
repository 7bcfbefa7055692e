// From the tokenizer's pieces to what is shown: pieces as they are, or whole words.

const BOUNDARY = "\u2581"; // what SentencePiece writes for the space before a word
const NAMES = { "<s>": "start", "</s>": "end", "<unk>": "unknown", "<pad>": "padding" };
const BYTE = /^<0x([0-9A-F]{2})>$/;

const isSpecial = (piece) => Object.hasOwn(NAMES, piece);

// Pieces up to the padding.
export const withoutPadding = (pieces) => pieces.filter((piece) => piece !== "");

// The places at which a word begins; start and end are words of their own.
function wordStarts(pieces) {
  return pieces.flatMap((piece, i) => {
    const starts = i === 0 || piece.startsWith(BOUNDARY) || isSpecial(piece)
      || isSpecial(pieces[i - 1]);
    return starts ? [i] : [];
  });
}

// What pieces read as. Bytes are joined to characters.
export function textOf(pieces) {
  const bytes = pieces.flatMap((piece) => {
    const byte = BYTE.exec(piece);
    return byte ? [parseInt(byte[1], 16)] : [...new TextEncoder().encode(piece)];
  });
  const text = new TextDecoder().decode(new Uint8Array(bytes));
  return text.replaceAll(BOUNDARY, " ").trim();
}

// One piece: its text, whether a word begins with it, and how it is said aloud.
export function describe(piece) {
  if (isSpecial(piece)) return { kind: "special", text: NAMES[piece], begins: false };
  const byte = BYTE.exec(piece);
  if (byte) return { kind: "byte", text: byte[1], begins: false };
  const begins = piece.startsWith(BOUNDARY);
  return { kind: "plain", text: begins ? piece.slice(1) : piece, begins };
}

// What a line of the picture shows: units, each of pieces [start, end).
export function units(pieces, inWords) {
  const starts = inWords ? wordStarts(pieces) : [...pieces.keys()];
  return starts.map((start, i) => {
    const end = starts[i + 1] ?? pieces.length;
    const told = describe(pieces[start]);
    if (end - start === 1 && (!inWords || told.kind === "special")) {
      return { start, end, ...told };
    }
    const text = textOf(pieces.slice(start, end));
    return { start, end, kind: "plain", text, begins: false };
  });
}

// How a unit is named in a sentence about it.
export function nameOf(unit) {
  if (unit.kind === "special") return `the ${unit.text}`;
  if (unit.kind === "byte") return `byte ${unit.text}`;
  return unit.text || "a space";
}
