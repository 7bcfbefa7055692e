"""Held-out sound models: Transformers with other positions, layers and inputs."""

import keras
from keras import layers, ops

from tests.diagnosis.held_out_parts import (
    HEADS,
    IGNORES_PADDING,
    INNER,
    SOURCE,
    VOCAB,
    WIDTH,
    SelfAttention,
    TextEncoder,
    embedding,
    feed_forward,
    ids,
    sounds,
)

MODELS = []
sound = sounds(MODELS)


class RotaryDecoder(keras.Model):
    """Rotary positions, grouped queries, RMS norm and a gated feed-forward network."""

    def __init__(self):
        super().__init__(name="llama")
        self.embed = embedding()
        self.q, self.kv = layers.Dense(16, use_bias=False), layers.Dense(16)
        self.out = layers.Dense(WIDTH)
        self.norms = [layers.RMSNormalization() for _ in range(2)]
        self.gate = layers.Dense(INNER, activation="silu")
        self.up, self.down = layers.Dense(INNER), layers.Dense(WIDTH)
        self.head = layers.Dense(VOCAB)

    def rotate(self, x):
        half = x.shape[-1] // 2
        time = ops.cast(ops.arange(ops.shape(x)[1]), x.dtype)[:, None]
        angle = time * 100.0 ** (-ops.arange(half, dtype=x.dtype) / half)
        sin, cos = ops.sin(angle)[None, :, None], ops.cos(angle)[None, :, None]
        a, b = x[..., :half], x[..., half:]
        return ops.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)

    def attend(self, x):
        length = ops.shape(x)[1]
        q = self.rotate(ops.reshape(self.q(x), (-1, length, 4, 4)))
        k, v = ops.split(ops.reshape(self.kv(x), (-1, length, 2, 8)), 2, axis=-1)
        k, v = (ops.repeat(y, 2, axis=2) for y in (self.rotate(k), v))
        scores = ops.einsum("bthd,bshd->bhts", q, k) / 2.0
        scores = ops.where(ops.tri(length) > 0, scores, -3e4)
        y = ops.einsum("bhts,bshd->bthd", ops.softmax(scores), v)
        return self.out(ops.reshape(y, (-1, length, 16)))

    def call(self, ids):
        x = self.embed(ids)
        x = x + self.attend(self.norms[0](x))
        y = self.norms[1](x)
        return self.head(x + self.down(self.gate(y) * self.up(y)))


@sound
def llama():
    return RotaryDecoder(), ids(), {"causal": True, "loss": IGNORES_PADDING}


class LinearBias(SelfAttention):
    """ALiBi: a penalty that grows with the distance."""

    def weights_of(self, scores, keep):
        place = ops.arange(ops.shape(scores)[-1])
        distance = ops.cast(ops.abs(place[:, None] - place), scores.dtype)
        slopes = ops.convert_to_tensor([0.5, 0.25, 0.125])[:, None, None]
        return super().weights_of(scores - slopes * distance, keep)


class LocalWindow(SelfAttention):
    def weights_of(self, scores, keep):
        place = ops.arange(ops.shape(scores)[-1])
        near = ops.abs(place[:, None] - place) <= 2
        return super().weights_of(scores, ops.logical_and(keep, near))


@sound
def linear_bias_of_distances():
    return TextEncoder(LinearBias), ids(), {}


@sound
def window_of_attention():
    return TextEncoder(LocalWindow), ids(), {}


class ReZero(layers.Layer):
    """x + alpha F(x), where alpha starts at 0."""

    def __init__(self, layer):
        super().__init__(name="re_zero")
        self.layer = layer
        self.alpha = self.add_weight(shape=(), initializer="zeros", name="alpha")

    def call(self, x):
        return x + self.alpha * self.layer(x)


@sound
def re_zero():
    token_ids = keras.Input((None,), dtype="int32")
    x = embedding()(token_ids)
    x = x + layers.MultiHeadAttention(HEADS, 4)(x, x, use_causal_mask=True)
    x = ReZero(feed_forward("inner"))(x)
    return keras.Model(token_ids, layers.Dense(VOCAB)(x)), ids(), {"causal": True}


@sound
def head_that_starts_at_zero():
    model = keras.Sequential(
        [
            embedding(mask_zero=True),
            layers.GRU(WIDTH, return_sequences=True),
            layers.Dense(VOCAB, kernel_initializer="zeros", name="head"),
        ]
    )
    return model, ids(), {"causal": True, "loss": IGNORES_PADDING}


class Latents(layers.Layer):
    """Learned queries that read a sequence, as in the Perceiver."""

    def __init__(self):
        super().__init__(name="latents")
        self.latents = self.add_weight(shape=(1, 4, WIDTH), initializer="normal")
        self.cross = layers.MultiHeadAttention(HEADS, 4, name="cross")

    def call(self, x, keep):
        rows = ops.shape(x)[0]
        queries = ops.broadcast_to(self.latents, (rows, 4, WIDTH))
        return self.cross(queries, x, attention_mask=keep[:, None, :])


@sound
def perceiver():
    token_ids = keras.Input((None,), dtype="int32")
    keep = layers.Lambda(lambda ids: ops.not_equal(ids, 0), dtype="bool")(token_ids)
    x = Latents()(embedding()(token_ids), keep)
    x = layers.Flatten()(layers.LayerNormalization()(x))
    return keras.Model(token_ids, layers.Dense(3)(x)), ids(), {}


class Experts(layers.Layer):
    """Two of four feed-forward networks for each token."""

    def __init__(self):
        super().__init__(name="experts")
        self.router = layers.Dense(4, name="router")
        self.up = self.add_weight(shape=(4, WIDTH, INNER), name="up")
        self.down = self.add_weight(shape=(4, INNER, WIDTH), name="down")

    def call(self, x):
        weights = ops.softmax(self.router(x))
        second = ops.sort(weights, axis=-1)[..., -2:-1]
        weights = ops.where(weights >= second, weights, 0)
        y = ops.relu(ops.einsum("btd,edf->btef", x, self.up))
        y = ops.einsum("btef,efd->bted", y, self.down)
        return x + ops.einsum("bte,bted->btd", weights, y)


@sound
def mixture_of_experts():
    token_ids = keras.Input((None,), dtype="int32")
    x = embedding()(token_ids)
    x = x + layers.MultiHeadAttention(HEADS, 4)(x, x, use_causal_mask=True)
    x = layers.LayerNormalization()(Experts()(x))
    return keras.Model(token_ids, layers.Dense(VOCAB)(x)), ids(), {"causal": True}


def real(token_ids):
    return ops.not_equal(token_ids, 0)


class ShiftsItself(keras.Model):
    """Takes the target with its end and cuts the last token off itself."""

    def __init__(self):
        super().__init__(name="shifts_itself")
        self.source, self.target = embedding("source"), embedding("target")
        self.encoder_block = layers.MultiHeadAttention(HEADS, 4, name="encoder")
        self.self_attention = layers.MultiHeadAttention(HEADS, 4, name="decoder")
        self.cross_attention = layers.MultiHeadAttention(HEADS, 4, name="cross")
        self.head = layers.Dense(VOCAB, name="head")

    def call(self, inputs):
        source, target = inputs
        keep = real(source)[:, None, :]
        x = self.source(source)
        x = x + self.encoder_block(x, x, attention_mask=keep)
        y = self.target(target[:, :-1])
        y = y + self.self_attention(y, y, use_causal_mask=True)
        return self.head(y + self.cross_attention(y, x, attention_mask=keep))


@sound
def model_that_shifts_its_target_itself():
    return ShiftsItself(), (ids(SOURCE, 3), ids()), {"causal": 1}
