"""Decoding with CTranslate2, with the same weights and the same ids."""

import sys
from pathlib import Path

import ctranslate2
import sentencepiece
from turns import take_turns
from work import PAD_ID, STEPS, decoding_batches


def main(folder, name, batch_size, beam_size, form, threads) -> None:
    """Translates all sources in each turn."""
    vocabulary = sentencepiece.SentencePieceProcessor(
        str(Path(folder, "tokenizer.model"))
    )
    model = ctranslate2.Translator(
        str(Path(folder, name, "ctranslate2")),
        device="cpu",
        compute_type="float32",
        intra_threads=int(threads),
    )
    batches = decoding_batches(name, int(batch_size))
    pieces = [
        [vocabulary.id_to_piece(row[row != PAD_ID].tolist()) for row in ids]
        for ids in batches
    ]
    texts = [vocabulary.decode(ids.tolist()) for ids in batches]

    def translate(batch):
        results = model.translate_batch(
            batch,
            beam_size=int(beam_size),
            min_decoding_length=STEPS,
            max_decoding_length=STEPS,
            max_batch_size=int(batch_size),
        )
        return [result.hypotheses[0] for result in results]

    def work():
        if form == "ids":
            for batch in pieces:
                translate(batch)
        else:
            for batch in texts:
                rows = vocabulary.encode(batch, out_type=str)
                vocabulary.decode(translate([[*row, "</s>"] for row in rows]))
        return {"tokens": sum(len(batch) for batch in batches) * STEPS}

    work()
    take_turns(work)


if __name__ == "__main__":
    main(*sys.argv[1:])
