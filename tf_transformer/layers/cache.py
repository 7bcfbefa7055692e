"""The decoder's cache of keys and values of earlier positions.

There are three kinds:

* A shared cache has the full length from the beginning: XLA and the other backends need
  shapes that do not change. The K hypotheses of a sentence share it: each step writes
  the vectors of all K, and the ancestors of a hypothesis say which of them are its own.
  Beam search reorders the ancestors, which are small, and not the vectors.
* A growing cache becomes longer by one position in each step, so that a step moves and
  reads only what has been written. It is for TensorFlow's plain graph. It has a row for
  each hypothesis, and beam search reorders it.
* A separate cache has the full length and a row for each hypothesis. It is for layers
  with an `attend` of their own, for which key i must be that of position i.
"""

from keras import ops

from tf_transformer.utils.keras_compat import is_plain_graph
from tf_transformer.utils.small_kernels import with_open_shape

SHARED = "shared_keys", "shared_values"
GROWING = "keys_so_far", "values_so_far"
SEPARATE = "keys", "values"


def empty_cache(num_sentences, beam_size, keys, max_length, may_share=True):
    """Makes a cache without any position.

    Args:
        num_sentences: Integer or scalar tensor B.
        beam_size: Integer K, hypotheses of a sentence.
        keys: Tensor `(any, h, any, d_k)`, whose sizes and type the cache has.
        max_length: Integer or scalar tensor L, the maximum number of positions.
        may_share: Whether hypotheses may share the cache. Defaults to `True`.

    Returns:
        Dictionary of tensors. A shared cache has two tensors `(B, h, L * K, d_k)` and
        the ancestors, int32 `(B * K, L)`; a growing one has two tensors
        `(B * K, h, 0, d_k)`, a separate one two tensors `(B * K, h, L, d_k)`.
    """
    _, num_heads, _, d_k = keys.shape
    num_rows = num_sentences * beam_size
    if is_plain_graph():
        empty = ops.zeros((num_rows, num_heads, 0, d_k), dtype=keys.dtype)
        return dict.fromkeys(GROWING, with_open_shape(empty, [1, 3]))
    if not may_share:
        shape = (num_rows, num_heads, max_length, d_k)
        return dict.fromkeys(SEPARATE, ops.zeros(shape, dtype=keys.dtype))
    shape = (num_sentences, num_heads, max_length * beam_size, d_k)
    unknown = ops.full((num_rows, max_length), -1, dtype="int32")
    return {
        **dict.fromkeys(SHARED, ops.zeros(shape, dtype=keys.dtype)),
        "ancestors": unknown,
    }


def is_shared(cache) -> bool:
    """Whether the hypotheses of a sentence share the cache."""
    return SHARED[0] in cache


def extended_cache(cache, keys, values, position):
    """A growing or separate cache with one more position.

    Args:
        cache: Result of `empty_cache`, or of this function for the previous position.
        keys: Tensor `(B * K, h, 1, d_k)`.
        values: Tensor `(B * K, h, 1, d_k)`.
        position: Integer scalar tensor, 0 to L - 1.

    Returns:
        A new cache, and a bool mask `(1, 1, L)` of the positions up to `position`, or
        `None` if the cache has no other positions.
    """
    if GROWING[0] in cache:
        new = zip(GROWING, (keys, values), strict=True)
        return {n: ops.concatenate([cache[n], x], axis=2) for n, x in new}, None
    new = zip(SEPARATE, (keys, values), strict=True)
    positions = ops.arange(ops.shape(cache["keys"])[2], dtype="int32")
    mask = (positions <= position)[None, None]
    return {name: _written(cache[name], x, position) for name, x in new}, mask


def written_cache(cache, keys, values, position):
    """A shared cache with the vectors of one more position.

    Args:
        cache: Result of `empty_cache`, or of this function for the previous position.
        keys: Tensor `(B, h, K, d_k)`.
        values: Tensor `(B, h, K, d_k)`.
        position: Integer scalar tensor, 0 to L - 1.

    Returns:
        A new cache.

    Example: one sentence with two hypotheses. Position 0 has the keys 0 and 1.

    >>> ones = ops.ones((1, 1, 2, 1))
    >>> cache = empty_cache(1, 2, ones, max_length=2)
    >>> cache = written_cache(cache, 5 * ones, ones, position=0)
    >>> cache["shared_keys"].numpy()[0, 0, :, 0].tolist()
    [5.0, 5.0, 0.0, 0.0]
    >>> cache["ancestors"].numpy().tolist()
    [[0, -1], [1, -1]]
    """
    new = zip(SHARED, (keys, values), strict=True)
    ancestors, beam_size = cache["ancestors"], ops.shape(keys)[2]
    slots = ops.arange(ops.shape(ancestors)[0], dtype="int32") % beam_size
    is_written = ops.arange(ops.shape(ancestors)[1], dtype="int32") == position
    return {
        **{name: _written(cache[name], x, position) for name, x in new},
        "ancestors": ops.where(is_written, slots[:, None], ancestors),
    }


def _written(tensor, vectors, position):
    # Only the new vectors are moved, however long the cache is. `slice_update` would
    # do the same, but not in every runtime of an export.
    batch_size, num_heads, length, d_k = ops.shape(tensor)
    beam_size = ops.shape(vectors)[2]
    flat = ops.reshape(tensor, (-1, d_k))
    rows = ops.arange(batch_size * num_heads, dtype="int32")[:, None] * length
    columns = position * beam_size + ops.arange(beam_size, dtype="int32")
    indices = ops.reshape(rows + columns, (-1, 1))
    flat = ops.scatter_update(flat, indices, ops.reshape(vectors, (-1, d_k)))
    return ops.reshape(flat, (batch_size, num_heads, length, d_k))


def ancestors_mask(ancestors, num_sentences, beam_size):
    """Which keys of a shared cache belong to each hypothesis.

    Args:
        ancestors: int32 tensor `(B * K, L)`: the slot, 0 to K - 1, whose vectors at a
            position are those of the hypothesis; -1 where nothing is written.
        num_sentences: Integer or scalar tensor B.
        beam_size: Integer or scalar tensor K.

    Returns:
        Bool tensor `(B, K, L * K)`, `True` = may attend.

    Example: the second hypothesis descends from the first.

    >>> ancestors = ops.array([[0, 0, -1], [0, 1, -1]])
    >>> ancestors_mask(ancestors, 1, beam_size=2).numpy().astype(int)
    array([[[1, 0, 1, 0, 0, 0],
            [1, 0, 0, 1, 0, 0]]])
    """
    length = ops.shape(ancestors)[1]
    slots = ops.arange(beam_size, dtype=ancestors.dtype)
    mask = ops.equal(ancestors[..., None], slots)  # (B * K, L, K)
    return ops.reshape(mask, (num_sentences, beam_size, length * beam_size))


def separate_caches(caches):
    """Separates tensors that beam search must not reorder from the others.

    Args:
        caches: Dictionary of the dictionaries of tensors of each block.

    Returns:
        Two dictionaries of the same blocks.
    """
    shared, own = {}, {}
    for block, cache in caches.items():
        shared[block] = {name: x for name, x in cache.items() if name in SHARED}
        own[block] = {name: x for name, x in cache.items() if name not in SHARED}
    return shared, own


def joined_caches(shared, own):
    """Joins what `separate_caches` has separated."""
    return {block: {**shared[block], **own[block]} for block in own}
