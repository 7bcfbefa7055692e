"""Held-out models with a fault of attention, the batch or randomness."""

import keras
from keras import layers, ops

from tests.diagnosis.held_out_parts import (
    HEADS,
    VOCAB,
    WIDTH,
    SelfAttention,
    TextEncoder,
    embedding,
    features,
    ids,
)
from tests.diagnosis.parts import faults

MODELS = []
fault = faults(MODELS)


# attention


class RootOfTheWidth(SelfAttention):
    def scale(self, scores):
        return scores / WIDTH**0.5


@fault("attention", "second")
def root_of_the_whole_width_with_a_padding_mask():
    return TextEncoder(RootOfTheWidth), ids(), {}


class NotTransposed(SelfAttention):
    def split(self, x):
        return ops.reshape(x, (-1, HEADS, ops.shape(x)[1], WIDTH // HEADS))


@fault("attention", "second")
def heads_without_transpose_with_a_padding_mask():
    return TextEncoder(NotTransposed), ids(), {}


class EinsumAttention(layers.Layer):
    def __init__(self):
        super().__init__(name="einsum_attention")
        self.query, self.key, self.value = (
            layers.EinsumDense("btd,dhk->bthk", (None, HEADS, 4), name=name)
            for name in ("query", "key", "value")
        )
        self.out = layers.EinsumDense("bthk,hkd->btd", (None, WIDTH), name="out")

    def call(self, x):
        q, k, v = self.query(x), self.key(x), self.value(x)
        scores = ops.einsum("bthk,bshk->bhts", q, k) / WIDTH**0.5
        return self.out(ops.einsum("bhts,bshk->bthk", ops.softmax(scores), v))


@fault("attention", "einsum_attention")
def root_of_the_whole_width_in_einsums():
    inputs = keras.Input((None, 5))
    x = layers.Dense(WIDTH)(inputs)
    x = x + EinsumAttention()(x)
    model = keras.Model(inputs, layers.Dense(2)(x))
    return model, features(), {"pad_id": None}


# batch


class PositionsOfTheBatch(layers.Layer):
    def __init__(self):
        super().__init__(name="positions")
        self.table = self.add_weight(shape=(64, 1, WIDTH), initializer="normal")

    def call(self, x):
        return x + self.table[: ops.shape(x)[0]]  # as if x were (L, B, D)


@fault("batch", "positions")
def positions_along_the_batch():
    recurrent = layers.GRU(WIDTH, return_sequences=True)
    model = keras.Sequential([embedding(mask_zero=False), PositionsOfTheBatch()])
    model.add(recurrent)
    return model, ids(), {"causal": True}


@fault("batch", "norm")
def unit_vectors_of_the_batch():
    model = keras.Sequential([embedding(), layers.Dense(8)])
    model.add(layers.UnitNormalization(axis=0, name="norm"))
    return model, ids(), {}


class VisionTransformer(keras.Model):
    def __init__(self):
        super().__init__(name="vit")
        self.patch = layers.Dense(WIDTH, name="patch")
        self.token = self.add_weight(shape=(1, 1, WIDTH), initializer="normal")
        self.attention = layers.MultiHeadAttention(HEADS, 4, name="attention")
        self.norm, self.head = layers.LayerNormalization(), layers.Dense(10)

    def call(self, patches):
        x = self.patch(patches)
        rows, length = ops.shape(x)[:2]
        x = ops.concatenate([ops.tile(self.token, (rows, 1, 1)), x], axis=1)
        x = ops.reshape(x, (length + 1, rows, WIDTH))  # "batch second"
        x = ops.transpose(x, (1, 0, 2))
        x = self.norm(x + self.attention(x, x))
        return self.head(x[:, 0])


@fault("batch", "")
def vision_transformer_that_reshapes_instead_of_transposing():
    return VisionTransformer(), features(), {"pad_id": None}


class TimeMajor(keras.Model):
    def __init__(self):
        super().__init__(name="time_major")
        self.embed = embedding()
        self.gru = layers.GRU(WIDTH, return_sequences=True, name="gru")
        self.head = layers.Dense(VOCAB)

    def call(self, ids):
        x = ops.transpose(self.embed(ids), (1, 0, 2))
        return self.head(ops.transpose(self.gru(x), (1, 0, 2)))


@fault("batch", "gru")
def recurrence_over_rows():
    return TimeMajor(), ids(), {}


# randomness


class NoisyEmbedding(layers.Layer):
    def __init__(self):
        super().__init__(name="noisy")
        self.embed = embedding(mask_zero=True)
        self.seed = keras.random.SeedGenerator(3)

    def call(self, ids):
        return keras.random.dropout(self.embed(ids), 0.1, seed=self.seed)


@fault("inference", "noisy")
def functional_dropout_without_the_training_flag():
    token_ids = keras.Input((None,), dtype="int32")
    x = layers.LSTM(8, return_sequences=True)(NoisyEmbedding()(token_ids))
    return keras.Model(token_ids, x), ids(), {"causal": True}


class Tagger(keras.Model):
    def __init__(self):
        super().__init__(name="tagger")
        self.embed = embedding(mask_zero=True)
        self.drop = layers.SpatialDropout1D(0.3, name="spatial_dropout")
        self.rnn = layers.Bidirectional(layers.GRU(6, return_sequences=True))
        self.head = layers.Dense(5)

    def call(self, ids, training=False):
        x = self.drop(self.embed(ids), training=False)
        return self.head(self.rnn(x, training=training))


@fault("dropout", "spatial_dropout")
def dropout_switched_off_by_hand():
    return Tagger(), ids(), {}
