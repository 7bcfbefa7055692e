"""Intermediate results of layers, captured for analysis."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_captured: ContextVar[tuple[dict, ...]] = ContextVar("captured", default=())


@contextlib.contextmanager
def capture_intermediates() -> Iterator[dict]:
    """Collects intermediate results of attention layers and blocks in the `with` block.

    Capturing changes nothing: the layers compute the same results in the same way. If
    one `with` block is inside another, both collect.

    Call the model or layer itself in the block, as in `model(inputs)`. A compiled
    function, such as that of `fit` or `predict`, runs the layers only while it is
    traced: the dictionary then contains symbolic tensors after the first call, and
    nothing after later ones. To capture inside a compiled function, use the `with`
    statement in that function, as `Transformer.attend` does.

    Yields:
        Dictionary from a layer to the tensors of its last call. From
        `MultiHeadAttention`: `"query"` `(B, h, T, d_k)`, `"keys"` `(B, h, S, d_k)`,
        `"attention_mask"` (or `None`) and `"weights"` `(B, h, T, S)` before dropout;
        `"weights"` is `None` if a fused kernel did not return them, which is the case
        in training on PyTorch without `return_attention_scores=True`. From a block of
        the encoder or decoder: `"output"` `(B, L, d_model)`.

    Example:

    >>> import keras
    >>> from tf_transformer.layers import MultiHeadAttention
    >>> layer = MultiHeadAttention(d_model=8, num_heads=2)
    >>> with capture_intermediates() as captured:
    ...     _ = layer(keras.ops.ones((1, 3, 8)), keras.ops.ones((1, 5, 8)))
    >>> tuple(captured[layer]["weights"].shape)
    (1, 2, 3, 5)
    """
    captured: dict = {}
    token = _captured.set((*_captured.get(), captured))
    try:
        yield captured
    finally:
        _captured.reset(token)


def sow(layer, **tensors) -> None:
    """Stores intermediate results of a layer if they are being captured.

    Args:
        layer: The layer.
        **tensors: Intermediate results by name.

    Example:

    >>> with capture_intermediates() as captured:
    ...     sow("a layer", output=3)
    >>> captured
    {'a layer': {'output': 3}}
    """
    for captured in _captured.get():
        captured[layer] = tensors
