"""Held-out sound models: convolutions and features."""

import keras
from keras import layers, ops

from tests.diagnosis.held_out_parts import (
    IGNORES_PADDING,
    VOCAB,
    WIDTH,
    embedding,
    features,
    ids,
    sounds,
)

MODELS = []
sound = sounds(MODELS)


# convolutions and features


class GatedConvolution(layers.Layer):
    def __init__(self, dilation):
        super().__init__(name=f"gated_{dilation}")
        self.filter, self.gate = (
            layers.Conv1D(
                WIDTH, 2, padding="causal", dilation_rate=dilation, activation=name
            )
            for name in ("tanh", "sigmoid")
        )

    def call(self, x):
        return x + self.filter(x) * self.gate(x)


@sound
def wavenet():
    blocks = [GatedConvolution(d) for d in (1, 2, 4)]
    model = keras.Sequential(
        [embedding(), *blocks, layers.SpatialDropout1D(0.1), layers.Dense(VOCAB)]
    )
    model.compile("adam", IGNORES_PADDING)
    return model, ids(), {"causal": True}


@sound
def convolution_with_batch_normalization():
    model = keras.Sequential(
        [
            layers.Conv1D(16, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GlobalAveragePooling1D(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, features(), {"pad_id": None}


@sound
def speech_encoder_of_half_the_length():
    model = keras.Sequential(
        [
            layers.Conv1D(WIDTH, 3, strides=2, padding="same", activation="gelu"),
            layers.Bidirectional(layers.LSTM(8, return_sequences=True)),
            layers.Dense(VOCAB + 1),
        ]
    )
    return model, features(8), {"pad_id": None}


class Decay(layers.Layer):
    """A diagonal state space: a moving average with learned decay."""

    def __init__(self):
        super().__init__(name="decay")
        self.decay = self.add_weight(shape=(WIDTH,), initializer="zeros")

    def call(self, x):
        time = ops.cast(ops.arange(ops.shape(x)[1]), x.dtype)
        distance = time[:, None] - time
        decay = ops.sigmoid(self.decay)
        kernel = ops.power(decay, ops.maximum(distance, 0)[..., None])
        kernel = ops.where((distance >= 0)[..., None], kernel, 0)
        return x + ops.einsum("tsd,bsd->btd", kernel, x)


@sound
def state_space():
    model = keras.Sequential([embedding(), Decay(), layers.Dense(VOCAB)])
    return model, ids(), {"causal": True}


@sound
def ids_and_features_side_by_side():
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    pitch = keras.Input((None, 2), name="pitch")
    x = embedding(mask_zero=True)(token_ids)
    x = layers.Concatenate()([x, layers.Dense(4)(pitch)])
    x = layers.GRU(WIDTH, return_sequences=True)(x)
    model = keras.Model({"token_ids": token_ids, "pitch": pitch}, layers.Dense(3)(x))
    values = features(width=2) * (ids() != 0)[..., None]
    return model, {"token_ids": ids(), "pitch": values}, {}
