"""The service with CTranslate2 instead of TensorFlow, for `benchmarks/serving.py`.

    python benchmarks/serving_ctranslate2.py CTRANSLATE2_FOLDER serve saved_models

A model of `tf-transformer export --format ctranslate2` computes `translate`, with the
search settings of the SavedModel. Everything else is the usual service.
"""

import json
import os
import sys

import ctranslate2
import sentencepiece
import tensorflow as tf

from tf_transformer.cli import main
from tf_transformer.serving import loaded_version
from tf_transformer.serving.loaded_version import LoadedVersion

FOLDER = sys.argv.pop(1)


class FastVersion(LoadedVersion):
    """A version whose signature `translate` runs CTranslate2."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        info = self._saved_model.signatures["info"]()["info"].numpy()
        settings = json.loads(info)["search"]
        vocabulary = sentencepiece.SentencePieceProcessor(f"{FOLDER}/tokenizer.model")
        translator = ctranslate2.Translator(
            FOLDER,
            compute_type="float32",
            intra_threads=1,
            inter_threads=os.cpu_count(),
        )

        def translate(text):
            rows = [vocabulary.encode(t.decode(), out_type=str) for t in text.numpy()]
            results = translator.translate_batch(
                [[*row, "</s>"] for row in rows],
                beam_size=settings["beam_size"],
                min_decoding_length=settings["min_length"],
                max_decoding_length=settings["max_length"] or 2 * max(map(len, rows)),
                max_batch_size=16,
                return_scores=True,
            )
            texts = [vocabulary.decode(result.hypotheses[0]) for result in results]
            scores = [result.scores[0] for result in results]
            return {"translation": tf.constant(texts), "score": tf.constant(scores)}

        self.signatures["translate"]._function = translate


if __name__ == "__main__":
    loaded_version.LoadedVersion = FastVersion
    sys.exit(main())
