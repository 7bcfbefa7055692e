"""From files and corpora to batches of ids; plain Python and NumPy.

Names are looked up when they are first used.
"""

import importlib

_HOMES = {
    "Batches": "tf_transformer.data.batching",
    "PairStream": "tf_transformer.data.files",
    "StreamedBatches": "tf_transformer.data.streaming",
    "batches": "tf_transformer.data.datasets",
    "Corpus": "tf_transformer.data.corpus",
    "load": "tf_transformer.corpora.loading",
    "read_parallel": "tf_transformer.data.files",
    "read_lines": "tf_transformer.data.lines",
    "read_tsv": "tf_transformer.data.files",
    "stream_parallel": "tf_transformer.data.files",
    "stream_tsv": "tf_transformer.data.files",
    "Tokenizer": "tf_transformer.data.tokenizer",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tf_transformer.data' has no attribute {name!r}")
