"""The attention weights of a translated sentence, for every layer and head."""

import dataclasses
from collections.abc import Iterable, Sequence

import keras
import numpy as np

from tf_transformer.analysis.words import START, are_words, word_starts, words
from tf_transformer.data.shift import shift_right
from tf_transformer.inference.translator import Translator, padded

KINDS = ("encoder", "decoder", "cross")
_SHAPES = {
    "encoder": "(N, h, S, S)",
    "decoder": "(N, h, T, len(read))",
    "cross": "(N, h, T, S)",
}


@dataclasses.dataclass(frozen=True, eq=False)
class AttentionMaps:
    """Attention weights of one sentence pair, without padding.

    In every map a row is a query and sums to 1, a column is a key. Row t of `decoder`
    and `cross` is the step that generates `target[t]`; column u of `decoder` is the
    token that step u reads: `read[u]`, the start token and then the target so far.

    Shape letters: N layers, h heads, S source and T target tokens.

    Args:
        source: S pieces or words, the end token last.
        target: T pieces or words that are generated.
        read: The pieces or words that the decoder reads, `"<s>"` first.
        cross: Array `(N, h, T, S)`.
        encoder: Array `(N, h, S, S)`, or `None` for a model without self-attention.
        decoder: Array `(N, h, T, len(read))`, or `None`.

    Raises:
        ValueError: If weights do not fit the tokens, or are not finite.

    Example: one layer, one head, two steps.

    >>> maps = AttentionMaps(
    ...     source=("\u2581a", "\u2581cat", "</s>"),
    ...     target=("\u2581고양이", "</s>"),
    ...     read=("<s>", "\u2581고양이"),
    ...     cross=np.array([[[[0.1, 0.7, 0.2], [0.0, 0.1, 0.9]]]]),
    ... )
    >>> maps.num_layers, maps.num_heads, maps.kinds
    (1, 1, ('cross',))
    >>> maps.in_words().source
    ('a', 'cat', '</s>')
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    read: tuple[str, ...]
    cross: np.ndarray
    encoder: np.ndarray | None = None
    decoder: np.ndarray | None = None

    def __post_init__(self):
        for kind in self.kinds:
            sizes = len(self.queries(kind)), len(self.keys(kind))
            _check_weights(self.weights(kind), kind, sizes)

    @property
    def num_layers(self) -> int:
        """N."""
        return self.cross.shape[0]

    @property
    def num_heads(self) -> int:
        """h."""
        return self.cross.shape[1]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of attention that the model has."""
        return tuple(kind for kind in KINDS if getattr(self, kind) is not None)

    def weights(self, kind: str) -> np.ndarray:
        """Weights of one kind, `(N, h, queries, keys)`.

        Raises:
            ValueError: If the model has no attention of this kind.
        """
        if kind not in self.kinds:
            raise ValueError(
                "The model has no such attention. Expected one of "
                f"{', '.join(self.kinds)}. Received: {kind!r}"
            )
        return getattr(self, kind)

    def head(self, kind: str, layer: int, head: int) -> np.ndarray:
        """Weights of one head, `(queries, keys)`; layers and heads count from 1.

        Raises:
            ValueError: If there is no such head.
        """
        weights = self.weights(kind)
        if not (1 <= layer <= len(weights) and 1 <= head <= weights.shape[1]):
            raise ValueError(
                f"There is no such head. Expected layer 1 to {len(weights)} and head 1 "
                f"to {weights.shape[1]}. Received: layer={layer}, head={head}"
            )
        return weights[layer - 1, head - 1]

    def queries(self, kind: str) -> tuple[str, ...]:
        """The pieces of the rows of a kind."""
        return self.source if kind == "encoder" else self.target

    def keys(self, kind: str) -> tuple[str, ...]:
        """The pieces of the columns of a kind."""
        return self.read if kind == "decoder" else self.source

    @property
    def are_words(self) -> bool:
        """Whether the maps are of words: no token begins with "\u2581"."""
        return are_words((*self.source, *self.target))

    def in_words(self) -> "AttentionMaps":
        """Returns the maps with words in place of pieces.

        The weight of a word as a key is the sum over its pieces; as a query, the mean
        over its pieces. Rows therefore still sum to 1. In the decoder a word also
        attends to itself, because its later pieces attend to its earlier ones. Maps in
        which no token begins with "\u2581", SentencePiece's mark of a word's first
        piece, are maps of words already and are returned unchanged.
        """
        if self.are_words:
            return self
        source, target, read = map(word_starts, (self.source, self.target, self.read))
        starts = {
            "encoder": (source, source),
            "decoder": (target, read),
            "cross": (target, source),
        }
        return AttentionMaps(
            *(tuple(words(side)) for side in (self.source, self.target, self.read)),  # pyright: ignore
            **{kind: _pooled(self.weights(kind), *starts[kind]) for kind in self.kinds},
        )


def _check_weights(weights, kind, sizes) -> None:
    if len(weights.shape) != 4 or weights.shape[2:] != sizes:
        raise ValueError(
            f"Attention weights must fit the tokens. Expected {kind} of shape "
            f"{_SHAPES[kind]}, with {sizes[0]} queries and {sizes[1]} keys. "
            f"Received: {tuple(weights.shape)}"
        )
    if len(wrong := np.argwhere(~np.isfinite(weights))):
        layer, head, query, key = wrong[0]
        raise ValueError(
            "The attention is not finite. Expected weights from 0 to 1. Received: "
            f"{weights[layer, head, query, key]} in {kind}, layer {layer + 1}, head "
            f"{head + 1}"
        )


def list_of_maps(maps: Iterable[AttentionMaps]) -> list[AttentionMaps]:
    """The maps of several sentences as a list.

    Raises:
        ValueError: If there are none, or for one sentence's maps without a list.
    """
    maps = [] if (is_single := isinstance(maps, AttentionMaps)) else list(maps)
    if not maps:
        raise ValueError(
            "The maps of sentences come in a list. Expected a list of maps, at least "
            "one. Received: "
            f"{'AttentionMaps without a list' if is_single else maps}"
        )
    return maps


def _pooled(weights, query_starts, key_starts):
    sizes = np.diff([*query_starts, weights.shape[-2]])
    by_key = _sums(weights, key_starts, axis=-1)
    return _sums(by_key, query_starts, axis=-2) / sizes[:, None]


def _sums(weights, starts, axis):
    if not weights.shape[axis]:  # an empty translation, which NumPy cannot reduce
        return weights
    return np.add.reduceat(weights, starts, axis=axis)


def attention_maps(
    translator: Translator,
    texts: Sequence[str],
    translations: Sequence[str] | None = None,
    **settings,
) -> list[AttentionMaps]:
    """The attention for texts and their translations, computed with teacher forcing.

    Args:
        translator: The translator.
        texts: Source sentences.
        translations: Optional translations, one per text. By default, the translator
            translates the texts.
        **settings: Arguments of `SearchSettings`, for the translator.

    Returns:
        Maps of pieces, one for each text.

    Raises:
        ValueError: If a text is blank or too long, if translations do not fit texts,
            or if the model has no attention.
    """
    tokenizer, max_length = translator.tokenizer, translator.model.max_length
    sources = tokenizer.encode_source(texts)
    _check(sources, max_length)
    if translations is None:
        results = translator.nbest(texts, **settings)
        targets = [best.token_ids for best, *_ in results]
    elif len(texts) == len(translations) and not settings:
        targets = tokenizer.encode_target(translations)
        _check_lengths(targets, max_length)
    else:
        raise ValueError(
            "There must be as many translations as texts, and no search settings. "
            f"Received: {len(texts)} texts, {len(translations)} translations, "
            f"settings {settings}"
        )
    source_pieces = tokenizer.source_pieces(texts)
    target_pieces = tokenizer.target_pieces_of(targets)
    maps = []
    for start in range(0, len(texts), translator.batch_size):
        group = slice(start, start + translator.batch_size)
        weights = _attend(translator.model, sources[group], targets[group])
        maps += cut(weights, source_pieces[group], target_pieces[group])
    return maps


def _check(sources, max_length) -> None:
    for number, row in enumerate(sources, start=1):
        if len(row) < 2:
            raise ValueError(
                "A blank text has no attention. Expected texts with words. "
                f"Received: nothing in text number {number}"
            )
    _check_lengths(sources, max_length)


def _check_lengths(rows, max_length) -> None:
    longest = max(map(len, rows), default=0)
    if longest > max_length:
        raise ValueError(
            "A text or translation is longer than the model can read. Expected at most "
            f"max_length={max_length} tokens, the end token counted. "
            f"Received: {longest} tokens"
        )


def _attend(model, sources, targets) -> dict[str, np.ndarray]:
    labels = padded(targets, model.max_length)
    target_ids = shift_right(labels)
    source_ids = padded(sources, model.max_length)
    weights = model.attend({"source_ids": source_ids, "target_ids": target_ids})
    if not weights:
        raise ValueError(
            "The model has no attention. Expected a Transformer, or a "
            "recurrent model with a score function. Received: one without"
        )
    return {
        kind: keras.ops.convert_to_numpy(values) for kind, values in weights.items()
    }


def cut(
    weights: dict[str, np.ndarray],
    sources: Sequence[Sequence[str]],
    targets: Sequence[Sequence[str]],
) -> list[AttentionMaps]:
    """Maps of each sentence of a batch, without the batch's padding.

    Args:
        weights: Dictionary from kind to an array `(B, N, h, queries, keys)`.
        sources: The pieces of B sources.
        targets: The pieces of B targets.
    """
    maps = []
    for i, (source, target) in enumerate(zip(sources, targets, strict=True)):
        lengths = {"encoder": (source, source), "cross": (target, source)}
        read = (START, *target)[: len(target)]
        lengths["decoder"] = (target, read)
        by_kind = {}
        for kind in KINDS:
            if kind in weights:
                rows, columns = map(len, lengths[kind])
                by_kind[kind] = weights[kind][i, :, :, :rows, :columns]
        maps.append(AttentionMaps(tuple(source), tuple(target), read, **by_kind))
    return maps
