"""Inputs, layers and models from which the held-out models are made."""

import keras
import numpy as np
from keras import layers, ops

VOCAB, WIDTH, HEADS, INNER, ROWS, LENGTH, SOURCE = 29, 12, 3, 20, 4, 9, 7
FROM_LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
IGNORES_PADDING = keras.losses.SparseCategoricalCrossentropy(
    from_logits=True, ignore_class=0
)


def sounds(models):
    """A decorator that adds a function to a list of models."""

    def sound(make):
        models.append(make)
        return make

    return sound


def ids(length=LENGTH, seed=11, padded=True):
    found = np.random.default_rng(seed).integers(1, VOCAB, (ROWS, length))
    if padded:
        found[0, length - 3 :] = 0
        found[2, length - 1 :] = 0
    return found.astype("int32")


def features(length=LENGTH, width=5):
    shape = (ROWS, length, width)
    return np.random.default_rng(12).normal(size=shape).astype("float32")


def embedding(name="embedding", **arguments):
    start = keras.initializers.RandomNormal(stddev=1.0)
    return layers.Embedding(
        VOCAB, WIDTH, embeddings_initializer=start, name=name, **arguments
    )


def feed_forward(name):
    dense = [layers.Dense(INNER, activation="gelu"), layers.Dense(WIDTH)]
    return keras.Sequential(dense, name=name)


class SelfAttention(layers.Layer):
    """Multi-head attention as in the tutorials: four Dense layers, a mask of keys.

    Subclasses change one step.
    """

    causal = False

    def __init__(self, name="attention"):
        super().__init__(name=name)
        self.wq, self.wk, self.wv = (layers.Dense(WIDTH, name=n) for n in "qkv")
        self.wo = layers.Dense(WIDTH, name="o")

    def build(self, shape, *_):
        for dense in (self.wq, self.wk, self.wv, self.wo):
            dense.build(shape)

    def split(self, x):
        x = ops.reshape(x, (-1, ops.shape(x)[1], HEADS, WIDTH // HEADS))
        return ops.transpose(x, (0, 2, 1, 3))

    def scale(self, scores):
        return scores / (WIDTH // HEADS) ** 0.5

    def weights_of(self, scores, keep):
        return ops.softmax(ops.where(keep, scores, -1e4))

    def call(self, x, keep):
        q, k, v = (self.split(w(x)) for w in (self.wq, self.wk, self.wv))
        scores = self.scale(q @ ops.transpose(k, (0, 1, 3, 2)))
        keep = keep[:, None, None, :]
        if self.causal:
            length = ops.shape(x)[1]
            seen = ops.arange(length)[:, None] >= ops.arange(length)
            keep = ops.logical_and(keep, seen[None, None])
        context = self.weights_of(scores, keep) @ v
        context = ops.transpose(context, (0, 2, 1, 3))
        return self.wo(ops.reshape(context, (-1, ops.shape(x)[1], WIDTH)))


class TextEncoder(keras.Model):
    """Two layers of some attention, in a subclass."""

    def __init__(self, attention):
        super().__init__(name="text_encoder")
        self.embed = embedding()
        self.attentions = [SelfAttention("first"), attention("second")]
        self.norms = [layers.LayerNormalization() for _ in range(4)]
        self.feed_forwards = [feed_forward(f"ffn_{i}") for i in range(2)]
        self.head = layers.Dense(VOCAB, name="head")

    def call(self, ids):
        keep = ops.not_equal(ids, 0)
        x = self.embed(ids)
        for i in range(2):
            x = self.norms[2 * i](x + self.attentions[i](x, keep))
            x = self.norms[2 * i + 1](x + self.feed_forwards[i](x))
        return self.head(x)


class GPTBlock(layers.Layer):
    def __init__(self, causal, name):
        super().__init__(name=name)
        self.causal = causal
        self.ln_1, self.ln_2 = layers.LayerNormalization(), layers.LayerNormalization()
        self.attn = layers.MultiHeadAttention(HEADS, 4, name="attn")
        self.mlp = feed_forward("mlp")

    def call(self, x):
        y = self.ln_1(x)
        x = x + self.attn(y, y, use_causal_mask=self.causal)
        return x + self.mlp(self.ln_2(x))


class GPT(keras.Model):
    def __init__(self, *blocks):
        super().__init__(name="gpt")
        self.wte = embedding("wte")
        self.wpe = layers.Embedding(64, WIDTH, name="wpe")
        self.blocks = blocks
        self.ln_f = layers.LayerNormalization(name="ln_f")
        self.head = layers.Dense(VOCAB, use_bias=False, name="head")

    def call(self, ids):
        x = self.wte(ids) + self.wpe(ops.arange(ops.shape(ids)[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.ln_f(x))


class MinGPTAttention(layers.Layer):
    def __init__(self, split):
        super().__init__(name="c_attention")
        self.c_attn, self.c_proj = layers.Dense(3 * WIDTH), layers.Dense(WIDTH)
        self.split = split

    def heads(self, x):
        length, width = ops.shape(x)[1], WIDTH // HEADS
        if not self.split:
            return ops.reshape(x, (-1, HEADS, length, width))
        return ops.transpose(ops.reshape(x, (-1, length, HEADS, width)), (0, 2, 1, 3))

    def call(self, x):
        length = ops.shape(x)[1]
        q, k, v = (self.heads(y) for y in ops.split(self.c_attn(x), 3, axis=-1))
        scores = ops.einsum("bhqd,bhkd->bhqk", q, k) / (WIDTH // HEADS) ** 0.5
        seen = ops.arange(length)[:, None] >= ops.arange(length)
        y = ops.softmax(ops.where(seen, scores, -1e4)) @ v
        y = ops.reshape(ops.transpose(y, (0, 2, 1, 3)), (-1, length, WIDTH))
        return self.c_proj(y)


def tagger(activation=None, loss=FROM_LOGITS, mask_zero=True):
    model = keras.Sequential(
        [
            embedding(mask_zero=mask_zero),
            layers.LSTM(WIDTH, return_sequences=True),
            layers.Dense(VOCAB, activation=activation, name="head"),
        ]
    )
    model.compile("adam", loss)
    return model


class MaskedMean(layers.Layer):
    def call(self, x, mask=None):
        weights = ops.cast(mask, x.dtype)[..., None]
        count = ops.maximum(ops.sum(weights, axis=1), 1)
        return ops.sum(x * weights, axis=1) / count
