"""Ablation of heads: the loss of a model with one head turned off."""

import contextlib
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from tf_transformer.analysis.maps import KINDS
from tf_transformer.data.corpus import check_pairs
from tf_transformer.inference.translator import Translator
from tf_transformer.layers.attention import MultiHeadAttention

ROWS = ("kernel", "lora_kernel_a")  # weights of Dense with a row for each input
UNPACKED = (None, "int8", "float8")  # quantizations with one number in each element


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
    blocks = getattr(stack, "blocks", None)
    if not blocks:
        raise ValueError(
            "The model has no layers of attention heads. Expected the encoder and "
            f"decoder of a Transformer. Received: {type(model).__name__}"
        )
    if kind not in KINDS or not 1 <= layer <= len(blocks):
        raise ValueError(
            f"The model has no such attention. Expected one of {', '.join(KINDS)}, and "
            f"layer 1 to {len(blocks)}. Received: {kind!r}, layer={layer}"
        )
    name = "cross_attention" if kind == "cross" else "self_attention"
    if not hasattr(blocks[layer - 1], name):
        raise ValueError(
            "The decoder has no self-attention. Expected encoder or cross. "
            f"Received: {kind!r} with {type(stack).__name__}"
        )
    return getattr(blocks[layer - 1], name)


def output_weights(attention) -> list:
    """The weights of W^O with a row for each input, LoRA's change included.

    Args:
        attention: An attention layer.

    Raises:
        ValueError: If the rows of a head are unknown.
    """
    dense = getattr(attention, "output_dense", None)
    is_dense = isinstance(dense, keras.layers.Dense)
    mode = dense.quantization_mode if is_dense else None
    if not (is_dense and hasattr(attention, "num_heads") and mode in UNPACKED):
        raise ValueError(
            "The heads of this attention layer cannot be turned off. Expected its "
            "number of heads in num_heads, and W^O in output_dense, a "
            "keras.layers.Dense that is not quantized, or to int8. Received: "
            f"{type(attention).__name__} with output_dense={dense!r}, quantization "
            f"{mode}"
        )
    return [weight for weight in dense.weights if weight.name in ROWS]


@contextlib.contextmanager
def head_off(model, kind: str, layer: int, head: int) -> Iterator[None]:
    """Turns a head off inside the `with` statement: its d_k rows of W^O are zero.

    MultiHead = Concat(head_1, ..., head_h) W^O is a sum over heads: head_i times its
    d_k rows of W^O (section 3.2.2 of the paper). Zero rows therefore remove one head
    and leave the others unchanged. Afterwards the weights are restored exactly. LoRA
    and weights in int8 are supported.

    Args:
        model: A `Transformer`.
        kind: `"encoder"`, `"decoder"` or `"cross"`.
        layer: 1 to N.
        head: 1 to h.

    Raises:
        ValueError: If the model has no such head, or if the attention layer is of
            another class without `num_heads` and `output_dense`, or is quantized to
            less than 8 bits.

    Example:

    >>> from tf_transformer.models import Transformer
    >>> model = Transformer(29, num_layers=1, d_model=6, num_heads=2, d_ff=7)
    >>> kernel = attention_layer(model, "cross", 1).output_dense.kernel
    >>> with head_off(model, "cross", layer=1, head=2):
    ...     keras.ops.convert_to_numpy(kernel)[3:].any()
    np.False_
    """
    attention = attention_layer(model, kind, layer)
    weights = output_weights(attention)
    if not 1 <= head <= attention.num_heads:
        raise ValueError(
            f"There is no such head. Expected 1 to {attention.num_heads}. "
            f"Received: head={head}"
        )
    originals = [keras.ops.convert_to_numpy(weight).copy() for weight in weights]
    try:
        for weight, original in zip(weights, originals, strict=True):
            changed = original.copy()
            d_k = len(changed) // attention.num_heads
            changed[(head - 1) * d_k : head * d_k] = 0
            weight.assign(changed)
        yield
    finally:
        for weight, original in zip(weights, originals, strict=True):
            weight.assign(original)


def nll(translator: Translator, pairs: Sequence[tuple[str, str]]) -> float:
    """Negative log-likelihood of the targets in nats per token, end tokens counted.

    Args:
        translator: The translator.
        pairs: (source, target) sentences.

    Raises:
        ValueError: If there are no pairs, or an item of `pairs` is not a pair.
    """
    pairs = check_pairs(pairs)
    if not pairs:
        raise ValueError(
            "There is nothing to score. Expected at least one pair. Received: none"
        )
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

    Raises:
        ValueError: As in `nll` and `head_off`.
    """
    pairs = check_pairs(pairs)
    model = translator.model
    costs = {}
    for kind in KINDS:
        stack = model.encoder if kind == "encoder" else model.decoder
        if kind == "decoder" and not hasattr(stack.blocks[0], "self_attention"):
            continue
        attention = attention_layer(model, kind, 1)
        output_weights(attention)  # raises without heads
        shape = len(stack.blocks), attention.num_heads
        costs[kind] = np.zeros(shape)
        for layer, head in np.ndindex(shape):
            with head_off(model, kind, layer + 1, head + 1):
                costs[kind][layer, head] = nll(translator, pairs)
    return costs
