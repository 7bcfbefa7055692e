"""The recurrent model in NumPy float64: a reference, slow and simple.

Written from Bahdanau et al. 2015 (appendix A), Luong et al. 2015 (section 3) and
Hochreiter & Schmidhuber 1997; nothing of the package is imported. Sentences are taken
one at a time and without their padding. Gates are concatenated in a kernel, in
Keras' order: update, reset, candidate (GRU); input, forget, candidate, output (LSTM).
"""

import numpy as np

from tests.reference import below, softmax

PAD_ID = 0


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def gru(weights, x, memory):
    """Appendix A.1.1: the reset gate acts on the state before the matrix does."""
    (h,) = memory
    w_z, w_r, w_h = np.split(weights["kernel"], 3, axis=1)
    u_z, u_r, u_h = np.split(weights["recurrent_kernel"], 3, axis=1)
    b_z, b_r, b_h = np.split(weights["bias"], 3)
    z = sigmoid(x @ w_z + h @ u_z + b_z)
    r = sigmoid(x @ w_r + h @ u_r + b_r)
    candidate = np.tanh(x @ w_h + (r * h) @ u_h + b_h)
    h = z * h + (1.0 - z) * candidate
    return h, [h]


def lstm(weights, x, memory):
    h, c = memory
    gates = x @ weights["kernel"] + h @ weights["recurrent_kernel"] + weights["bias"]
    i, f, candidate, o = np.split(gates, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
    h = sigmoid(o) * np.tanh(c)
    return h, [h, c]


CELLS = {"gru": (gru, 1), "lstm": (lstm, 2)}


def read(weights, rows, cell, memory=None):
    """All outputs of one layer, and its last memory."""
    function, num_memories = CELLS[cell]
    if memory is None:
        units = weights["recurrent_kernel"].shape[0]
        memory = [np.zeros(units)] * num_memories
    outputs = []
    for row in rows:
        output, memory = function(weights, row, memory)
        outputs.append(output)
    return np.array(outputs), memory


def num_layers(weights, name):
    return len({path.split("/")[0] for path in weights if path.startswith(name)})


def encode(weights, x, cell):
    """Both directions, layer on layer: the states, and each layer's last memory."""
    memories = []
    for i in range(num_layers(weights, "forward")):
        after, last = read(below(weights, f"forward_{i}", "cell"), x, cell)
        before, first = read(below(weights, f"backward_{i}", "cell"), x[::-1], cell)
        x = np.concatenate([after, before[::-1]], axis=1)
        both = zip(last, first, strict=True)
        memories.append([np.concatenate(pair) for pair in both])
    return x, memories


def decode(weights, x, memories, cell):
    for i in range(num_layers(weights, "layer")):
        x, _ = read(below(weights, f"layer_{i}", "cell"), x, cell, memories[i])
    return x


def score_of_pair(weights, name, query, key):
    """One number for one query and one key."""
    if name == "dot":
        return query @ key
    if name == "scaled_dot":
        return query @ key / np.sqrt(len(query))
    if name == "general":
        return query @ (weights["key_kernel"].T @ key)
    if name == "additive":
        hidden = weights["query_kernel"].T @ query + weights["key_kernel"].T @ key
    if name == "concat":
        hidden = weights["kernel"].T @ np.concatenate([query, key])
    return weights["vector"][:, 0] @ np.tanh(hidden)


def attend(weights, name, queries, states):
    """h~_t of every query, and the weights (T, S)."""
    own = {} if name in ("dot", "scaled_dot") else below(weights, "score")
    rows, outputs = [], []
    for query in queries:
        row = softmax([float(score_of_pair(own, name, query, key)) for key in states])
        context = sum(weight * state for weight, state in zip(row, states, strict=True))
        both = np.concatenate([context, query])
        outputs.append(np.tanh(both @ weights["output/kernel"]))
        rows.append(row)
    return np.array(outputs), np.array(rows)


def sentence_logits(weights, source_ids, target_ids, cell, score):
    """The whole model for one pair of sentences: logits (T, V) and weights (T, S)."""
    source_table = weights["embedding/matrix/embeddings"]
    target_table = weights.get("target_embedding/matrix/embeddings", source_table)
    width = source_table.shape[1]
    source_ids = [i for i in source_ids if i != PAD_ID]
    source = source_table[source_ids] * np.sqrt(width)
    states, memories = encode(below(weights, "encoder"), source, cell)
    target = target_table[list(target_ids)] * np.sqrt(width)
    queries = decode(below(weights, "decoder"), target, memories, cell)
    own = below(weights, "attention")
    if score is None:  # one vector to attend to, and the softmax of one score is 1
        outputs, rows = attend(own, "dot", queries, memories[-1][0][None])
    else:
        outputs, rows = attend(own, score, queries, states)
    return outputs @ target_table.T, rows
