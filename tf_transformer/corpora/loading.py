"""Corpora by name: the built-in one, and the sets of TensorFlow Datasets."""

from tf_transformer.corpora import en_ko_grammar as grammar
from tf_transformer.corpora.tfds_corpus import load_tfds
from tf_transformer.data.corpus import Corpus, direction

TFDS_PREFIX = "tfds:"


def load(
    name: str,
    source: str | None = None,
    target: str | None = None,
    stream: bool = False,
) -> Corpus:
    """Loads a corpus by its name.

    Args:
        name: String. `"en_ko_grammar"`: English and Korean sentences made by a small
            grammar, without any download. `"tfds:NAME"` or `"tfds:NAME/CONFIG"`: a
            translation set of TensorFlow Datasets, such as
            `"tfds:ted_hrlr_translate/pt_to_en"`; it is downloaded once.
        source: Optional string. The source's language, such as `"en"`.
        target: Optional string. The target's language. By default the set's own
            direction; `source="en"` alone turns a set of two languages round.
        stream: Whether the train split of a TFDS set is a stream that keeps nothing
            in memory. Defaults to `False`.

    Returns:
        A `Corpus`. A TFDS set without a validation or test split gets it from train,
        by `split_pairs`; with `stream` it then has none.

    Raises:
        ValueError: If the name or a language is unknown.
        ConnectionError: If a set cannot be downloaded.

    Example:

    >>> corpus = load("en_ko_grammar")
    >>> english, korean = corpus.train[0]
    >>> load("en_ko_grammar", source="ko").train[0] == (korean, english)
    True
    """
    if name.startswith(TFDS_PREFIX):
        return load_tfds(name.removeprefix(TFDS_PREFIX), source, target, stream)
    if name != "en_ko_grammar":
        raise ValueError(
            "There is no built-in corpus of this name. Expected one of "
            "['en_ko_grammar'], or a set of TensorFlow Datasets as "
            '"tfds:ted_hrlr_translate/pt_to_en"; your own files are read by '
            'read_tsv("pairs.tsv") or read_parallel("train.en", "train.ko"). '
            f"Received: name={name!r}."
        )
    return _en_ko_grammar(*direction(["en", "ko"], ("en", "ko"), source, target))


def _en_ko_grammar(source: str, target: str) -> Corpus:
    splits = {}
    for split in grammar.SPLITS:
        sides = [{"en": e.source, "ko": e.target} for e in grammar.generate(split)]
        splits[split] = [(texts[source], texts[target]) for texts in sides]
    return Corpus(splits, name="en_ko_grammar")
