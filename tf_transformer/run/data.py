"""The corpus of a run."""

import os

from tf_transformer.data.corpus import Corpus, load
from tf_transformer.data.files import read_parallel, read_tsv
from tf_transformer.run.config import TrainingConfig


def load_corpus(config: TrainingConfig) -> Corpus:
    """The pairs that a resolved config names.

    Raises:
        ValueError: If files are not what they should be, or a corpus is unknown.
    """
    if config.train_source is not None:
        valid = (config.valid_source, config.valid_target)
        test = (config.test_source, config.test_target)
        return read_parallel(
            config.train_source,
            config.train_target,
            validation=None if valid[0] is None else valid,
            test=None if test[0] is None else test,
        )
    if os.path.exists(config.data) or config.data.endswith((".tsv", ".gz", ".txt")):
        return read_tsv(config.data)
    return load(config.data)
