"""Ablation of heads: the loss of a model with one head turned off."""

import contextlib
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from tf_transformer.analysis.maps import KINDS
from tf_transformer.data.corpus import check_pairs
from tf_transformer.inference.translator import Translator
from tf_transformer.layers.attention import MultiHeadAttention


def attention_layer(model, kind: str, layer: int) -> MultiHeadAttention:
    """The attention of one kind in one layer, counted from 1.

    Args:
        model: A `Transformer`.
        kind: `"encoder"`, `"decoder"` or `"cross"`.
        layer: 1 to N.

    Raises:
        ValueError: If the model has no such layer.
    """
    stack = getattr(model, "encoder" if kind == "encoder" else "decoder", None)
    blocks = getattr(stack, "blocks", [])
    if kind not in KINDS or not 1 <= layer <= len(blocks):
        raise ValueError(
            f"The model has no such attention. Expected one of {', '.join(KINDS)} of a "
            f"Transformer, and layer 1 to {len(blocks)}. Received: {kind!r}, "
            f"layer={layer}"
        )
    name = "cross_attention" if kind == "cross" else "self_attention"
    if not hasattr(blocks[layer - 1], name):
        raise ValueError(
            "The decoder has no self-attention. Expected encoder or cross. "
            f"Received: {kind!r} with {type(stack).__name__}"
        )
    return getattr(blocks[layer - 1], name)


@contextlib.contextmanager
def head_off(model, kind: str, layer: int, head: int) -> Iterator[None]:
    """Turns a head off inside the `with` statement: its d_k rows of W^O are zero.

    MultiHead = Concat(head_1, ..., head_h) W^O is a sum over heads: head_i times its
    d_k rows of W^O (section 3.2.2 of the paper). Zero rows therefore remove one head
    and leave the others unchanged. Afterwards the weights are restored exactly.

    Args:
        model: A `Transformer`.
        kind: `"encoder"`, `"decoder"` or `"cross"`.
        layer: 1 to N.
        head: 1 to h.

    Raises:
        ValueError: If the model has no such head.

    Example:

    >>> from tf_transformer.models import Transformer
    >>> model = Transformer(29, num_layers=1, d_model=6, num_heads=2, d_ff=7)
    >>> kernel = attention_layer(model, "cross", 1).output_dense.kernel
    >>> with head_off(model, "cross", layer=1, head=2):
    ...     keras.ops.convert_to_numpy(kernel)[3:].any()
    np.False_
    """
    attention = attention_layer(model, kind, layer)
    if not 1 <= head <= attention.num_heads:
        raise ValueError(
            f"There is no such head. Expected 1 to {attention.num_heads}. "
            f"Received: head={head}"
        )
    kernel = attention.output_dense.kernel
    original = keras.ops.convert_to_numpy(kernel).copy()
    changed = original.copy()
    d_k = attention.d_model // attention.num_heads
    changed[(head - 1) * d_k : head * d_k] = 0
    kernel.assign(changed)
    try:
        yield
    finally:
        kernel.assign(original)


def nll(translator: Translator, pairs: Sequence[tuple[str, str]]) -> float:
    """Negative log-likelihood of the targets in nats per token, end tokens counted.

    Args:
        translator: The translator.
        pairs: (source, target) sentences.

    Raises:
        ValueError: If an item of `pairs` is not a pair.
    """
    check_pairs(pairs)
    sources, targets = map(list, zip(*pairs, strict=True))
    num_tokens = sum(map(len, translator.tokenizer.encode_target(targets)))
    return -sum(translator.score(sources, targets)) / num_tokens


def nll_without_each_head(
    translator: Translator, pairs: Sequence[tuple[str, str]]
) -> dict[str, np.ndarray]:
    """The `nll` with one head turned off, for every head in turn.

    Args:
        translator: The translator of a `Transformer`.
        pairs: (source, target) sentences.

    Returns:
        Dictionary from kind to an array `(N, h)`, of the kinds that the model has.
    """
    model = translator.model
    costs = {}
    for kind in KINDS:
        stack = model.encoder if kind == "encoder" else model.decoder
        if kind == "decoder" and not hasattr(stack.blocks[0], "self_attention"):
            continue
        shape = stack.num_layers, attention_layer(model, kind, 1).num_heads
        costs[kind] = np.zeros(shape)
        for layer, head in np.ndindex(shape):
            with head_off(model, kind, layer + 1, head + 1):
                costs[kind][layer, head] = nll(translator, pairs)
    return costs
