"""Checks of attention layers: their scale and their heads.

An attention layer has four `Dense` or `EinsumDense` layers, for queries, keys, values
and the output, or two, of which the first makes all three. It is computed again from
its queries, keys and values: correctly, and with known mistakes.
"""

import itertools

import keras
import numpy as np

from tf_transformer.diagnosis.findings import Finding, NotChecked
from tf_transformer.diagnosis.subject import Subject
from tf_transformer.utils.keras_compat import all_layers, sub_layers

TRANSPOSED, RESHAPED = "transposed", "reshaped"


def check_attention(subject: Subject) -> list[Finding]:
    """Scores must be divided by sqrt(head width); heads must be split correctly."""
    subject.must_be_deterministic()
    layers = all_layers(subject.model)
    candidates = [x for x in layers if len(_projecting(x)) in (2, 4)]
    if not any(len(_projecting(x)) == 4 or _is_fused(x) for x in candidates):
        raise NotChecked(
            "no layer has the projections of queries, keys, values and the output"
        )
    subject.must_see_layers()
    run = subject.run(subject.inputs.without_padding())
    calls_by_layer = {}
    for place, call in enumerate(run.calls.values()):
        calls_by_layer.setdefault(id(call.layer), []).append((place, call))
    findings = []
    for layer in candidates:
        projections = _projections(layer, calls_by_layer)
        message = _mistake(layer, *projections) if projections else None
        if message:
            findings.append(Finding("attention", subject.name(layer), message))
    return findings


def _projecting(layer) -> list:
    kinds = (keras.layers.Dense, keras.layers.EinsumDense)
    return [sub for sub in sub_layers(layer) if isinstance(sub, kinds)]


def _is_fused(layer) -> bool:
    """Whether the first of two projections may project queries, keys and values."""
    units = [getattr(dense, "units", None) for dense in _projecting(layer)]
    return len(units) == 2 and units[0] == 3 * (units[1] or 0)


def _projections(layer, calls_by_layer):
    """The three projected tensors, the input of the output projection, and heads."""
    calls = [calls_by_layer.get(id(dense), []) for dense in _projecting(layer)]
    if any(len(made) != 1 for made in calls):
        return None
    *projected, (_, last) = sorted((made[0] for made in calls), key=lambda x: x[0])
    tensors = [call.output for _, call in projected]
    context = last.inputs[0]
    if len(tensors) == 1 and tensors[0].shape[-1] == 3 * context.shape[-1]:
        tensors = np.split(tensors[0], 3, axis=-1)
    shapes = {x.shape[2:] for x in (*tensors, context)}
    if len(tensors) != 3 or len(shapes) != 1 or context.ndim not in (3, 4):
        return None
    # (B, L, h, d) of EinsumDense
    num_heads = context.shape[2] if context.ndim == 4 else None
    *tensors, context = (x.reshape(*x.shape[:2], -1) for x in (*tensors, context))
    return tensors, context, num_heads


def _mistake(layer, tensors, context, num_heads) -> str | None:
    """Describes the known mistake that explains an attention layer, if there is one."""
    width = context.shape[-1]
    heads = [num_heads or getattr(layer, "num_heads", None)]
    if not isinstance(heads[0], int) or width % heads[0]:
        heads = [h for h in range(1, width) if width % h == 0]
    right = {h: (width / h) ** -0.5 for h in heads}
    wrong = dict.fromkeys(heads, width**-0.5)

    def explains(scales, split, merge):
        return any(_equals(tensors, context, h, scales[h], split, merge) for h in heads)

    if explains(right, TRANSPOSED, TRANSPOSED):
        return None
    if explains(wrong, TRANSPOSED, TRANSPOSED):
        return (
            f"Scores are divided by the root of the whole width ({width}) instead of "
            "one head's width."
        )
    for scales in (right, wrong):
        if any(explains(scales, RESHAPED, merge) for merge in (RESHAPED, TRANSPOSED)):
            return (
                "Heads are split by a reshape without a transpose: each head sees "
                "whole vectors of some positions instead of its part of all."
            )
        if explains(scales, TRANSPOSED, RESHAPED):
            return (
                "Heads are merged by a reshape without a transpose: positions are "
                "mixed."
            )
    return None


def _equals(tensors, context, num_heads, scale, split, merge) -> bool:
    """Whether attention with this scale, split and merge gives the layer's output."""
    for query, key, value in itertools.permutations(tensors):
        if key.shape != value.shape or query.shape != context.shape:
            continue
        for causal in (False, True):
            output = attention(
                query, key, value, num_heads, scale, split, merge, causal
            )
            if np.abs(output - context).max() < 1e-3 * np.abs(context).max():
                return True
    return False


def attention(query, key, value, num_heads, scale, split, merge, causal) -> np.ndarray:
    """Multi-head attention of projected tensors, correctly or with known mistakes.

    Args:
        query: Array `(B, T, D)`.
        key: Array `(B, S, D)`.
        value: Array `(B, S, D)`.
        num_heads: Integer h.
        scale: Factor of the scores.
        split: "transposed": (B, L, D) -> (B, L, h, d) -> (B, h, L, d); "reshaped":
            (B, L, D) -> (B, h, L, d).
        merge: The same for the merge of heads.
        causal: Whether keys after the query's position are hidden.

    Returns:
        Array `(B, T, D)`.
    """

    def split_heads(x):
        batch_size, length, width = x.shape
        depth = width // num_heads
        if split == RESHAPED:
            return x.reshape(batch_size, num_heads, length, depth)
        return x.reshape(batch_size, length, num_heads, depth).swapaxes(1, 2)

    query_heads, key_heads, value_heads = map(split_heads, (query, key, value))
    scores = query_heads @ key_heads.swapaxes(-1, -2) * scale
    if causal:
        is_past = np.tri(*scores.shape[-2:], dtype=bool)
        scores = np.where(is_past, scores, -np.inf)
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    output = exponentials / exponentials.sum(axis=-1, keepdims=True) @ value_heads
    if merge == TRANSPOSED:
        output = output.swapaxes(1, 2)
    return output.reshape(query.shape)
