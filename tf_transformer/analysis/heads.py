"""Statistics of heads: entropy, distance, and attention to neighbours."""

from collections.abc import Sequence

import numpy as np

from tf_transformer.analysis.maps import AttentionMaps, list_of_maps


def head_statistics(maps: Sequence[AttentionMaps], kind: str) -> dict[str, np.ndarray]:
    """Statistics of every head, averaged over all rows of all sentences.

    w_ij is the weight of key j for query i, K_i the number of keys visible to query i:
    all keys, except in the decoder, where query i sees only the first i + 1 tokens or
    the words that they belong to. Rows with a single visible key are omitted.

        entropy        - sum_j w_ij ln w_ij, in nats
        entropy_share  entropy / ln K_i: 0 for a single key, 1 for equal weights
        distance       sum_j w_ij |i - j|
        previous       w_i,i-1        (rows with a previous token)
        same           w_ii
        next           w_i,i+1        (rows with a next token; encoder only)
        end            weight of the end token, in rows of other tokens
        start          weight of the start token (decoder only: it reads no end token)

    In cross-attention i and j belong to two sentences of R and K tokens: distance is
    measured from the same relative position, (i + 1/2) K / R - 1/2, and only entropy,
    distance and end are returned.

    Args:
        maps: Maps of one or more sentences, of pieces or of words.
        kind: `"encoder"`, `"decoder"` or `"cross"`.

    Returns:
        Dictionary from the statistic's name to an array `(N, h)`.

    Raises:
        ValueError: If there are no maps, or no attention of this kind.

    Example: a head that always attends to the previous token.

    >>> weights = np.array([[[[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]])
    >>> tokens = ("\u2581a", "\u2581cat", "</s>")
    >>> maps = AttentionMaps(tokens, tokens, tokens, weights, encoder=weights)
    >>> head_statistics([maps], "encoder")["previous"]
    array([[1.]])
    """
    sums, counts = {}, {}
    for sentence_maps in list_of_maps(maps):
        for name, rows in _by_row(sentence_maps.weights(kind), kind).items():
            sums[name] = sums.get(name, 0.0) + np.nansum(rows, axis=-1)
            counts[name] = counts.get(name, 0) + np.sum(~np.isnan(rows), axis=-1)
    with np.errstate(invalid="ignore"):  # NaN if no row has the statistic
        return {name: sums[name] / counts[name] for name in sums}


def _by_row(weights, kind) -> dict[str, np.ndarray]:
    """Every statistic of every row, `(N, h, R)`; NaN if it is not defined."""
    num_rows, num_keys = weights.shape[-2:]
    i, j = np.arange(num_rows), np.arange(num_keys)
    allowed = _num_keys_allowed(weights) if kind == "decoder" else 0 * i + num_keys
    entropy = row_entropy(weights)
    place = (i + 0.5) * num_keys / num_rows - 0.5 if kind == "cross" else i
    figures = {
        "entropy": entropy,
        "entropy_share": entropy / np.log(np.maximum(allowed, 2)),
        "distance": np.sum(weights * np.abs(place[:, None] - j), axis=-1),
    }
    if kind != "cross":
        figures["previous"] = _neighbour(weights, -1)
        figures["same"] = _neighbour(weights, 0)
    if kind == "encoder":
        figures["next"] = _neighbour(weights, 1)
        figures["end"] = np.where(i < num_keys - 1, weights[..., -1], np.nan)
    else:
        name, column = ("start", 0) if kind == "decoder" else ("end", -1)
        figures[name] = weights[..., column]
    return {name: np.where(allowed > 1, rows, np.nan) for name, rows in figures.items()}


def row_entropy(weights: np.ndarray) -> np.ndarray:
    """Entropy of each row in nats, `(..., queries)`; 0 ln 0 is 0.

    Example:

    >>> row_entropy(np.array([[0.5, 0.5], [1.0, 0.0]])).round(3).tolist()
    [0.693, 0.0]
    """
    logs = np.log(np.where(weights > 0, weights, 1.0))
    return -np.sum(weights * logs, axis=-1) + 0.0


def _num_keys_allowed(weights) -> np.ndarray:
    """i + 1 keys; one more in maps of words whose pieces attend to each other."""
    num_rows, num_keys = weights.shape[-2:]
    seen = np.any(weights > 0, axis=(0, 1)) * np.arange(1, num_keys + 1)
    return np.maximum(np.arange(num_rows) + 1, seen.max(axis=-1)).clip(max=num_keys)


def _neighbour(weights, offset):
    num_rows, num_keys = weights.shape[-2:]
    rows = np.arange(num_rows)
    columns = rows + offset
    exists = (columns >= 0) & (columns < num_keys)
    values = weights[..., rows, np.clip(columns, 0, num_keys - 1)]
    return np.where(exists, values, np.nan)
