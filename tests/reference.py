"""The paper in NumPy float64: an independent reference, slow and plain.

Written from "Attention Is All You Need", sections 3.1 to 3.5, 5.3 and 5.4; nothing of
the package is imported. Sentences are taken one at a time, `x` is a matrix with one
row per token, and attention loops over heads, queries and keys. A masked key is left
out of the sum instead of getting a very small score. Weights come as a dictionary
path -> array, for example "encoder/block_0/attention/query/kernel".
"""

import math

import numpy as np

LAYER_NORM_EPSILON = 1e-6
PAD_ID = 0


def weights_of(layer):
    """path -> float64 array of a built layer, without the layer's own name."""
    return {
        variable.path.partition("/")[2]: variable.numpy().astype("float64")
        for variable in layer.weights
    }


def below(weights, *names):
    """The weights under the folder names[0]/names[1]/..., paths shortened."""
    prefix = "/".join(names) + "/"
    found = {
        path.removeprefix(prefix): value
        for path, value in weights.items()
        if path.startswith(prefix)
    }
    if not found:
        raise KeyError(f"No weights below {prefix}: {sorted(weights)}")
    return found


def linear(weights, x):
    return x @ weights["kernel"] + weights["bias"]


def softmax(scores):
    exponentials = [math.exp(score - max(scores)) for score in scores]
    return [value / sum(exponentials) for value in exponentials]


def attention(query, key, value, may_attend):
    """Equation (1). `may_attend[t][s]`: may query t attend to key s?"""
    d_k = query.shape[1]
    outputs = np.zeros((len(query), value.shape[1]))
    weights = np.zeros((len(query), len(key)))
    for t in range(len(query)):
        allowed = [s for s in range(len(key)) if may_attend[t][s]]
        if not allowed:
            continue  # every key is hidden: a row of zeros
        scores = [float(query[t] @ key[s]) / math.sqrt(d_k) for s in allowed]
        for s, weight in zip(allowed, softmax(scores), strict=True):
            weights[t, s] = weight
            outputs[t] += weight * value[s]
    return outputs, weights


def multi_head_attention(weights, query, value, may_attend, num_heads, key=None):
    """Section 3.2.2: the output, and the weights (num_heads, T, S)."""
    key = value if key is None else key
    q = linear(below(weights, "query"), query)
    k = linear(below(weights, "key"), key)
    v = linear(below(weights, "value"), value)
    d_k = q.shape[1] // num_heads
    heads, scores = [], []
    for i in range(num_heads):
        own = slice(i * d_k, (i + 1) * d_k)
        head, score = attention(q[:, own], k[:, own], v[:, own], may_attend)
        heads.append(head)
        scores.append(score)
    output = linear(below(weights, "output"), np.concatenate(heads, axis=1))
    return output, np.array(scores)


def feed_forward(weights, x):
    """Equation (2)."""
    return linear(
        below(weights, "outer"), np.maximum(0.0, linear(below(weights, "inner"), x))
    )


def layer_norm(weights, x):
    rows = []
    for row in x:
        mean = sum(row) / len(row)
        variance = sum((value - mean) ** 2 for value in row) / len(row)
        rows.append((row - mean) / math.sqrt(variance + LAYER_NORM_EPSILON))
    return np.array(rows) * weights["gamma"] + weights["beta"]


def residual(weights, x, sublayer, normalize_first):
    """Section 3.1: LayerNorm(x + Sublayer(x)), or pre-norm."""
    if normalize_first:
        return x + sublayer(layer_norm(weights, x))
    return layer_norm(weights, x + sublayer(x))


def block(weights, x, self_mask, num_heads, normalize_first, source=None, seen=None):
    """Figure 1: an encoder block; with `source` = (states, mask) a decoder block.

    The attention weights (num_heads, T, S) are appended to the list `seen`.
    """

    def attend(name, y, value, may_attend):
        own = below(weights, name)
        output, scores = multi_head_attention(own, y, value, may_attend, num_heads)
        if seen is not None:
            seen.append(scores)
        return output

    def self_attention(y):
        return attend("attention", y, y, self_mask)

    def cross_attention(y):
        return attend("cross_attention", y, *source)

    sublayers = [("attention", self_attention)]
    if source is not None:
        sublayers.append(("cross_attention", cross_attention))
    sublayers.append(
        ("feed_forward", lambda y: feed_forward(below(weights, "feed_forward"), y))
    )
    for name, sublayer in sublayers:
        own = below(weights, f"{name}_norm")
        x = residual(own, x, sublayer, normalize_first)
    return x


def stack(
    weights, x, self_mask, num_heads, normalize_first=False, source=None, seen=None
):
    """N blocks; with pre-norm one more normalization above them."""
    number = 0
    while any(path.startswith(f"block_{number}/") for path in weights):
        own = below(weights, f"block_{number}")
        x = block(own, x, self_mask, num_heads, normalize_first, source, seen)
        number += 1
    return layer_norm(below(weights, "final_norm"), x) if normalize_first else x


def positional_encoding(max_length, d_model):
    """Section 3.5, number by number."""
    table = np.zeros((max_length, d_model))
    for pos in range(max_length):
        for i in range(d_model // 2):
            angle = pos / 10000 ** (2 * i / d_model)
            table[pos, 2 * i] = math.sin(angle)
            table[pos, 2 * i + 1] = math.cos(angle)
    return table


def embed(table, ids):
    """Section 3.4 and 3.5: rows of the table times sqrt(d_model), plus positions."""
    d_model = table.shape[1]
    rows = np.array([table[i] for i in ids]) * math.sqrt(d_model)
    return rows + positional_encoding(len(ids), d_model)


def sentence_logits(
    weights, source_ids, target_ids, num_heads, normalize_first=False, seen=None
):
    """The whole model for one pair of sentences: logits (T, V).

    Attention weights are appended to the list `seen`: the encoder's blocks, then for
    each of the decoder's blocks self-attention and cross-attention.
    """
    source_table = weights["embedding/matrix/embeddings"]
    target_table = weights.get("target_embedding/matrix/embeddings", source_table)
    source_mask = [[i != PAD_ID for i in source_ids]]
    states = stack(
        below(weights, "encoder"),
        embed(source_table, source_ids),
        source_mask * len(source_ids),
        num_heads,
        normalize_first,
        seen=seen,
    )
    target_mask = [
        [s <= t and target_ids[s] != PAD_ID for s in range(len(target_ids))]
        for t in range(len(target_ids))
    ]
    states = stack(
        below(weights, "decoder"),
        embed(target_table, target_ids),
        target_mask,
        num_heads,
        normalize_first,
        source=(states, source_mask * len(target_ids)),
        seen=seen,
    )
    return states @ target_table.T


def logits(weights, source_ids, target_ids, num_heads, normalize_first=False):
    """The whole model for a batch of pairs: logits (B, T, V)."""
    pairs = zip(np.array(source_ids), np.array(target_ids), strict=True)
    return np.array(
        [sentence_logits(weights, *pair, num_heads, normalize_first) for pair in pairs]
    )


def smoothed_cross_entropy(label, token_logits, epsilon):
    """Section 5.4 for one token: epsilon / V on every class, the label's too."""
    top = max(token_logits)
    log_sum = top + math.log(sum(math.exp(logit - top) for logit in token_logits))
    loss = 0.0
    for index, logit in enumerate(token_logits):
        probability = epsilon / len(token_logits)
        if index == label:
            probability += 1 - epsilon
        loss -= probability * (logit - log_sum)
    return loss


def learning_rate(update, d_model, warmup_steps):
    """Equation (3); updates count from 1."""
    return d_model**-0.5 * min(update**-0.5, update * warmup_steps**-1.5)
