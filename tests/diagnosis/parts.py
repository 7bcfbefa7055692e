"""Attention with a choice of mistakes, and inputs, from which the models are made."""

import keras
import numpy as np
from keras import ops

VOCAB, WIDTH, HEADS, INNER = 23, 12, 3, 17
ROWS, LENGTH, SOURCE_LENGTH = 3, 7, 8


def faults(models):
    """A decorator that adds a function, its check and its layer to a list of models."""

    def fault(check, layer):
        def add(make):
            models.append((make, check, layer))
            return make

        return add

    return fault


def ids(length=LENGTH, seed=5):
    """Ids `(ROWS, length)` with padding in the second row."""
    found = np.random.default_rng(seed).integers(1, VOCAB, (ROWS, length))
    found[1, length - 2 :] = 0
    return found.astype("int32")


def pair():
    """Source and target ids."""
    return {"source": ids(SOURCE_LENGTH, 6), "target": ids()}


class Attention(keras.layers.Layer):
    """Multi-head self-attention from its formula; each argument may be a mistake."""

    def __init__(self, causal=None, hidden=-3e4, scale=None, split=True, merge=True):
        super().__init__(name="attention")
        self.causal, self.hidden, self.split, self.merge = causal, hidden, split, merge
        self.scale = scale or (WIDTH // HEADS) ** -0.5
        names = ("query", "key", "value", "output")
        self.denses = [
            keras.layers.Dense(WIDTH, name=f"{name}_dense") for name in names
        ]

    def build(self, shape, *_):
        for dense in self.denses:
            dense.build(shape)
        self.built = True

    def heads(self, x, is_right):
        batch_size, length = ops.shape(x)[:2]
        if not is_right:
            return ops.reshape(x, (batch_size, HEADS, length, WIDTH // HEADS))
        x = ops.reshape(x, (batch_size, length, HEADS, WIDTH // HEADS))
        return ops.transpose(x, (0, 2, 1, 3))

    def call(self, x, allowed=None):
        query, key, value = (
            self.heads(dense(x), self.split) for dense in self.denses[:3]
        )
        scores = query @ ops.transpose(key, (0, 1, 3, 2)) * self.scale
        length = ops.shape(x)[1]
        mask = ops.ones((1, 1, length, length), dtype="bool")
        if self.causal is not None:  # the diagonal up to which a query may attend
            mask = ops.cast(ops.tri(length, k=self.causal), "bool")[None, None]
        if allowed is not None:
            mask = ops.logical_and(mask, allowed[:, None, None, :])
        if callable(self.hidden):
            scores = self.hidden(scores, mask)
        else:
            scores = ops.where(mask, scores, ops.cast(self.hidden, scores.dtype))
        context = ops.softmax(scores, axis=-1) @ value
        if self.merge:
            context = ops.transpose(context, (0, 2, 1, 3))
        return self.denses[3](ops.reshape(context, ops.shape(x)))


class Encoder(keras.Model):
    """Embedding, one attention with a mask from ids, and a projection."""

    def __init__(self, allowed=lambda ids: ids != 0, num_outputs=VOCAB, **attention):
        super().__init__(name="encoder")
        self.allowed = allowed
        self.embedding = keras.layers.Embedding(
            VOCAB, WIDTH, embeddings_initializer="normal", name="embedding"
        )
        self.attention = Attention(**attention)
        self.norm = keras.layers.LayerNormalization(name="norm")
        self.dense = keras.layers.Dense(num_outputs, name="dense")

    def call(self, ids):
        x = self.embedding(ids) * WIDTH**0.5
        return self.dense(self.norm(x + self.attention(x, self.allowed(ids))))


def residual(x, *layers):
    """Adds what layers make of `x` to it, and normalizes, in a functional model."""
    y = x
    for layer in layers:
        y = layer(y)
    return keras.layers.LayerNormalization()(keras.layers.Add()([x, y]))


def sequential(*layers, **embedding):
    """Embedding and layers."""
    first = keras.layers.Embedding(VOCAB, WIDTH, name="embedding", **embedding)
    return keras.Sequential([first, *layers])


def functional(make, length=None, scores=VOCAB, **embedding):
    """A functional model from ids to scores: `make` is a function of (x, ids)."""
    inputs = keras.Input((length,), dtype="int32", name="ids")
    embed = keras.layers.Embedding(VOCAB, WIDTH, name="embedding", **embedding)
    x = make(embed(inputs), inputs)
    if scores:
        x = keras.layers.Dense(scores, name="scores")(x)
    return keras.Model(inputs, x, name="functional")


def keras_attention(name="self_attention", **arguments):
    return keras.layers.MultiHeadAttention(
        HEADS, WIDTH // HEADS, name=name, **arguments
    )


def key_mask(ids):
    """`(B, 1, L)`: which keys are real."""
    return ops.expand_dims(ops.not_equal(ids, 0), 1)


class Cross(keras.Model):
    """Encoder-decoder of Keras' attention; `hides`: whether the source is masked."""

    def __init__(self, hides=True, reads_source=True):
        super().__init__(name="cross")
        self.hides, self.reads_source = hides, reads_source
        self.embedding = keras.layers.Embedding(VOCAB, WIDTH, name="embedding")
        self.encoder_attention = keras_attention("encoder_attention")
        self.self_attention = keras_attention("self_attention")
        self.cross_attention = keras_attention("cross_attention")
        self.norm = keras.layers.LayerNormalization(name="norm")
        self.scores = keras.layers.Dense(VOCAB, name="scores")

    def call(self, inputs):
        source, target = inputs["source"], inputs["target"]
        x = self.embedding(source) * 20
        states = x + self.encoder_attention(x, x, attention_mask=key_mask(source))
        y = self.embedding(target) * 20
        y = y + self.self_attention(
            y, y, attention_mask=key_mask(target), use_causal_mask=True
        )
        read, mask = (states, key_mask(source)) if self.reads_source else (y, None)
        y = y + self.cross_attention(
            y,
            read,
            attention_mask=mask if self.hides else None,
            use_causal_mask=not self.reads_source,
        )
        return self.scores(self.norm(y))
