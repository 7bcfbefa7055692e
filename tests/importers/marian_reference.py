"""Marian's Transformer in NumPy, by the names in its files."""

import numpy as np

WIDTH, HEADS, INNER = 12, 3, 20
DEPTHS = {"encoder": 3, "decoder": 2}


def settings(pre_norm=False, ssru=False, ties="all", **changes):
    """`special:model.yml` of such a model, as text."""
    values = {
        "type": "transformer",
        "enc-depth": DEPTHS["encoder"],
        "dec-depth": DEPTHS["decoder"],
        "dim-emb": WIDTH,
        "dim-rnn": 1024,
        "dim-vocabs": "[70, 60]",
        "transformer-heads": HEADS,
        "transformer-dim-ffn": INNER,
        "transformer-ffn-activation": "swish",
        "transformer-preprocess": "n" if pre_norm else '""',
        "transformer-postprocess": "da" if pre_norm else "dan",
        "transformer-postprocess-top": "n" if pre_norm else '""',
        "transformer-postprocess-emb": "d",
        "transformer-decoder-autoreg": "rnn" if ssru else "self-attention",
        "dec-cell": "ssru",
        "tied-embeddings-all": str(ties == "all").lower(),
        "tied-embeddings": str(ties == "output").lower(),
        "tied-embeddings-src": "false",
        "version": "v1.9.56",
        **changes,
    }
    return "".join(f"{name}: {value}\n" for name, value in values.items())


def weights(vocab_sizes, pre_norm=False, ssru=False, ties="all", seed=3):
    """Random weights of a model by name."""
    random, arrays = np.random.default_rng(seed), {}

    def add(name, *shape, mean=0.0):
        values = mean + 0.4 * random.standard_normal(shape)
        arrays[name] = values.astype(np.float32)

    def add_norm(prefix, suffix="_pre" if pre_norm else ""):
        add(f"{prefix}_ln_scale{suffix}", 1, WIDTH, mean=1.0)
        add(f"{prefix}_ln_bias{suffix}", 1, WIDTH)

    def add_attention(prefix):
        for letter in "qkvo":
            add(f"{prefix}_W{letter}", WIDTH, WIDTH)
            add(f"{prefix}_b{letter}", 1, WIDTH)
        add_norm(f"{prefix}_Wo")

    names = ["Wemb"] if ties == "all" else ["encoder_Wemb", "decoder_Wemb"]
    for name, size in zip(names, vocab_sizes, strict=False):
        add(name, size, WIDTH)
    add("decoder_ff_logit_out_b", 1, vocab_sizes[len(names) - 1])
    for stack, depth in DEPTHS.items():
        for i in range(1, depth + 1):
            prefix = f"{stack}_l{i}"
            if stack == "decoder" and ssru:
                for name, rows in (("W", WIDTH), ("Wf", WIDTH), ("bf", 1)):
                    add(f"{prefix}_rnn_{name}", rows, WIDTH)
                add_norm(f"{prefix}_rnn" if pre_norm else f"{prefix}_rnn_ffn")
            else:
                add_attention(f"{prefix}_self")
            if stack == "decoder":
                add_attention(f"{prefix}_context")
            add(f"{prefix}_ffn_W1", WIDTH, INNER)
            add(f"{prefix}_ffn_b1", 1, INNER)
            add(f"{prefix}_ffn_W2", INNER, WIDTH)
            add(f"{prefix}_ffn_b2", 1, WIDTH)
            add_norm(f"{prefix}_ffn_ffn")
        if pre_norm:
            add_norm(f"{stack}_top", "")
    return arrays


class Reference:
    """The forward pass for one sentence."""

    def __init__(self, arrays, pre_norm=False, ssru=False):
        self.arrays, self.pre_norm, self.ssru = arrays, pre_norm, ssru

    def logits(self, source, target):
        """Logits of every target position, for lists of ids of the file.

        Args:
            source: Ids of the source with its end.
            target: Ids of the target; position t depends on the ids before t.
        """
        arrays = self.arrays
        source_table = arrays.get("Wemb", arrays.get("encoder_Wemb"))
        target_table = arrays.get("Wemb", arrays.get("decoder_Wemb"))
        states = self.stack("encoder", positions(source_table[source]), None)
        inputs = np.zeros((len(target), WIDTH))
        inputs[1:] = target_table[target[:-1]]  # the first is zero
        outputs = self.stack("decoder", positions(inputs), states)
        return outputs @ target_table.T + arrays["decoder_ff_logit_out_b"][0]

    def stack(self, name, x, states):
        for i in range(1, DEPTHS[name] + 1):
            prefix = f"{name}_l{i}"
            if name == "decoder" and self.ssru:
                norm = f"{prefix}_rnn" if self.pre_norm else f"{prefix}_rnn_ffn"
                x = self.around(norm, x, lambda y, p=prefix: self.recurrent(p, y))
            else:
                own, causal = f"{prefix}_self", name == "decoder"
                x = self.around(
                    f"{own}_Wo", x, lambda y, p=own, c=causal: self.attend(p, y, y, c)
                )
            if name == "decoder":
                cross = f"{prefix}_context"
                x = self.around(
                    f"{cross}_Wo", x, lambda y, p=cross: self.attend(p, y, states)
                )
            x = self.around(f"{prefix}_ffn_ffn", x, lambda y, p=prefix: self.ffn(p, y))
        return self.norm(f"{name}_top", x) if self.pre_norm else x

    def around(self, norm, x, sublayer):
        if self.pre_norm:
            return x + sublayer(self.norm(norm, x, "_pre"))
        return self.norm(norm, x + sublayer(x))

    def norm(self, prefix, x, suffix=""):
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        scale = self.arrays[f"{prefix}_ln_scale{suffix}"]
        bias = self.arrays[f"{prefix}_ln_bias{suffix}"]
        return (x - mean) / np.sqrt(variance + 1e-6) * scale + bias

    def affine(self, prefix, letter, x):
        weight = self.arrays[f"{prefix}_W{letter}"]
        return x @ weight + self.arrays[f"{prefix}_b{letter}"]

    def attend(self, prefix, x, memory, causal=False):
        q, k, v = (
            self.affine(prefix, letter, tensor)
            .reshape(len(tensor), HEADS, -1)
            .swapaxes(0, 1)
            for letter, tensor in (("q", x), ("k", memory), ("v", memory))
        )
        scores = q @ k.swapaxes(1, 2) / np.sqrt(WIDTH / HEADS)
        if causal:
            scores = np.where(np.tri(len(x), dtype=bool), scores, -np.inf)
        e = np.exp(scores - scores.max(-1, keepdims=True))
        heads = e / e.sum(-1, keepdims=True) @ v
        return self.affine(prefix, "o", heads.swapaxes(0, 1).reshape(len(x), WIDTH))

    def recurrent(self, prefix, x):
        forget = 1 / (1 + np.exp(-self.affine(f"{prefix}_rnn", "f", x)))
        candidates = x @ self.arrays[f"{prefix}_rnn_W"]
        cell, outputs = np.zeros(WIDTH), []
        for f, candidate in zip(forget, candidates, strict=True):
            cell = f * cell + (1 - f) * candidate
            outputs.append(np.maximum(cell, 0))
        return np.array(outputs)

    def ffn(self, prefix, x):
        inner = self.affine(f"{prefix}_ffn", "1", x)
        return self.affine(f"{prefix}_ffn", "2", inner / (1 + np.exp(-inner)))


def positions(vectors):
    """Scaled vectors with Marian's positions: sines, then cosines."""
    half = WIDTH // 2
    rates = 10000.0 ** (-np.arange(half) / (half - 1))
    angles = np.arange(len(vectors))[:, None] * rates
    return vectors * WIDTH**0.5 + np.concatenate([np.sin(angles), np.cos(angles)], 1)
