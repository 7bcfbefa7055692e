"""Decoding with an exported folder and plain TensorFlow, of ids or of text."""

import sys
from pathlib import Path

import sentencepiece
import tensorflow as tf
from turns import take_turns
from work import STEPS, decoding_batches


def main(folder, name, batch_size, beam_size, graph, form) -> None:
    """Translates all sources in each turn."""
    path = Path(folder, name, f"beam-{beam_size}")
    loaded = tf.saved_model.load(str(path))
    batches = decoding_batches(name, int(batch_size))
    if form == "ids":
        inputs = [tf.constant(ids) for ids in batches]
        translate = loaded.search_compiled
    else:
        vocabulary = sentencepiece.SentencePieceProcessor(
            str(Path(folder, "tokenizer.model"))
        )
        texts = [vocabulary.decode(ids.tolist()) for ids in batches]
        inputs = [tf.constant(batch, tf.string) for batch in texts]
        translate = loaded.signatures[
            "translate_compiled" if graph == "compiled" else "translate"
        ]
    written = "token_ids" if form == "ids" else "translation"

    def work():
        for batch in inputs:
            translate(batch)[written].numpy()
        return {"tokens": sum(len(batch) for batch in batches) * STEPS}

    work()
    take_turns(work)


if __name__ == "__main__":
    main(*sys.argv[1:])
