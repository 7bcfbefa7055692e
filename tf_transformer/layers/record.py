"""A record of what layers compute inside, for those who want to see it."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_open_record: ContextVar[dict | None] = ContextVar("record", default=None)


@contextlib.contextmanager
def recorded() -> Iterator[dict]:
    """Collects what attention layers and blocks compute meanwhile.

    The layers' results stay what they are; nothing is kept while no record is open.
    In a compiled function the record belongs inside the function, as in
    `Transformer.attend`.

    Yields:
        Dictionary from a layer to what it computed last. Of `MultiHeadAttention`:
        `"query"` `(B, h, T, d_k)`, `"keys"` `(B, h, S, d_k)`, `"attention_mask"` (or
        `None`) and `"weights"` `(B, h, T, S)` before dropout. Of a block of the
        encoder or decoder: `"output"` `(B, L, d_model)`.

    Example:

    >>> import keras
    >>> from tf_transformer.layers import MultiHeadAttention
    >>> layer = MultiHeadAttention(d_model=8, num_heads=2)
    >>> with recorded() as record:
    ...     _ = layer(keras.ops.ones((1, 3, 8)), keras.ops.ones((1, 5, 8)))
    >>> tuple(record[layer]["weights"].shape)
    (1, 2, 3, 5)
    """
    record: dict = {}
    token = _open_record.set(record)
    try:
        yield record
    finally:
        _open_record.reset(token)


def is_recorded() -> bool:
    """Whether a record is open."""
    return _open_record.get() is not None


def note(layer, **tensors) -> None:
    """Writes what a layer computed into the open record, if there is one.

    Args:
        layer: The layer.
        **tensors: What it computed, by name.
    """
    record = _open_record.get()
    if record is not None:
        record[layer] = tensors
