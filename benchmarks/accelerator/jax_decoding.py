"""Decoding with our search on JAX in bfloat16, ids to ids, as in `tt.Translator`."""

import sys

import keras
import numpy as np
from jax_training import memory_and_device
from shared import PAD_ID, STEPS, take_turns
from workload import MODELS, SOURCE_LENGTH, VOCAB_SIZES, decoding_batches

import tf_transformer as tt
from tf_transformer.inference.search import SearchModel


def main(name: str, batch_size: str, beam_size: str) -> None:
    """Translates all sources in each turn."""
    keras.utils.set_random_seed(1)
    model = tt.Transformer(
        VOCAB_SIZES[name], max_length=SOURCE_LENGTH, dtype="bfloat16", **MODELS[name]
    )
    settings = tt.SearchSettings(
        beam_size=int(beam_size), min_length=STEPS, max_length=STEPS
    )
    search_model = SearchModel(model, settings)
    batches = decoding_batches(name, int(batch_size))

    def translate():
        tokens = 0
        for source_ids in batches:
            result = search_model.predict_on_batch({"source_ids": source_ids})
            tokens += int((np.asarray(result["token_ids"]) != PAD_ID).sum())
        return {"tokens": tokens, **memory_and_device()}

    translate()
    take_turns(translate)


if __name__ == "__main__":
    main(*sys.argv[1:])
