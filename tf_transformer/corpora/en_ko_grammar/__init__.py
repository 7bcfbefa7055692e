"""The built-in corpus `en_ko_grammar`: English and Korean from a small grammar.

Every pair comes with its gold word alignment and, where the English has *it*, with
the noun that *it* refers to. The corpus is generated in about a second, and is the
same on every machine.
"""

from typing import TYPE_CHECKING

from tf_transformer.corpora.en_ko_grammar.corpus import (
    HELD_OUT,
    SPLITS,
    fingerprint,
    generate,
)
from tf_transformer.corpora.en_ko_grammar.sentence import Example

if TYPE_CHECKING:
    VERSION: str

__all__ = ["HELD_OUT", "SPLITS", "VERSION", "Example", "fingerprint", "generate"]


def __getattr__(name: str):
    # VERSION needs the whole corpus, so it is computed when it is first used.
    if name == "VERSION":
        from tf_transformer.corpora.en_ko_grammar.corpus import version

        return version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
