"""`en_ko_grammar` as a TensorFlow Datasets builder. Importing this registers it."""

import tensorflow_datasets as tfds

from tf_transformer.corpora.en_ko_grammar.corpus import SPLITS, generate, version


class EnKoGrammar(tfds.core.GeneratorBasedBuilder):
    """The built-in English-Korean corpus; it needs no download.

    Its version follows the fingerprint of the corpus: if the grammar changes, TFDS
    prepares the data again instead of reading an older copy.

    Example:

    >>> EnKoGrammar.name
    'en_ko_grammar'
    """

    VERSION = tfds.core.Version(version())

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description="English-Korean sentence pairs from a small grammar, with "
            "gold word alignments and antecedents.",
            features=tfds.features.FeaturesDict(
                {
                    "en": tfds.features.Text(),
                    "ko": tfds.features.Text(),
                    "alignment": tfds.features.Text(),
                    "antecedent": tfds.features.Text(),
                }
            ),
            supervised_keys=("en", "ko"),
            # Records keep the order of `generate`.
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in SPLITS}

    def _generate_examples(self, split: str):
        for number, example in enumerate(generate(split)):
            yield (
                number,
                {
                    "en": example.source,
                    "ko": example.target,
                    "alignment": example.alignment,
                    "antecedent": example.antecedent,
                },
            )
