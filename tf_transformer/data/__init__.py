"""From files and corpora to batches of ids; plain Python and NumPy.

Names are looked up when they are first used.
"""

import importlib

_HOMES = {
    "Batches": "batching",
    "PairStream": "files",
    "StreamedBatches": "streaming",
    "batches": "datasets",
    "Corpus": "corpus",
    "load": "loading",
    "read_parallel": "files",
    "read_lines": "lines",
    "read_tsv": "files",
    "stream_parallel": "files",
    "stream_tsv": "files",
    "Tokenizer": "tokenizer",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        module = importlib.import_module(f"tf_transformer.data.{_HOMES[name]}")
        return getattr(module, name)
    raise AttributeError(f"module 'tf_transformer.data' has no attribute {name!r}")
