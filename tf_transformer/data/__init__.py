"""From files and corpora to batches of ids: files, tokenizer, batches.

Each name is imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers and editors
    from tf_transformer.corpora.loading import load
    from tf_transformer.data.batching import Batches
    from tf_transformer.data.corpus import Corpus
    from tf_transformer.data.datasets import batches
    from tf_transformer.data.epochs import NextEpoch
    from tf_transformer.data.files import (
        PairStream,
        read_parallel,
        read_tsv,
        stream_parallel,
        stream_tsv,
    )
    from tf_transformer.data.lines import read_lines
    from tf_transformer.data.mixing import Mixture
    from tf_transformer.data.streaming import StreamedBatches
    from tf_transformer.data.tokenizer import Tokenizer

# name: the module that defines it, imported when the name is first used
_MODULES = {
    "Batches": "tf_transformer.data.batching",
    "Mixture": "tf_transformer.data.mixing",
    "NextEpoch": "tf_transformer.data.epochs",
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

__all__ = [
    "Batches",
    "Corpus",
    "Mixture",
    "NextEpoch",
    "PairStream",
    "StreamedBatches",
    "Tokenizer",
    "batches",
    "load",
    "read_lines",
    "read_parallel",
    "read_tsv",
    "stream_parallel",
    "stream_tsv",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
