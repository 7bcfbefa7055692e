"""Models with a fault of numbers, gradients, the loss or the schedule."""

import keras
import numpy as np
from keras import ops

from tests.diagnosis import parts
from tests.diagnosis.parts import VOCAB, WIDTH, ids

PROBABILITIES = "sparse_categorical_crossentropy"
MODELS = []
fault = parts.faults(MODELS)


# numbers


@fault("masked row", "attention (Attention)")
def minus_infinity_in_a_row_of_padding():
    return parts.Encoder(hidden=-np.inf), ids(), {}


@fault("masked row", "pooling")
def masked_mean_divided_by_zero():
    layer = keras.layers.GlobalAveragePooling1D(name="pooling")
    return parts.sequential(layer, mask_zero=True), ids(), {}


@fault("half precision", "attention (Attention)")
def billion_times_the_mask_in_half_precision():
    def add(scores, mask):
        hidden = 1.0 - ops.cast(mask, "float32")
        return scores + ops.cast(hidden, scores.dtype) * ops.cast(-1e9, scores.dtype)

    return parts.Encoder(hidden=add), ids(), {}


@fault("half precision", "square")
def squares_beyond_the_range_of_half_precision():
    class Square(keras.layers.Layer):
        def call(self, x):
            return ops.sqrt(ops.square(x * 1e4)) * 1e-4

    model = parts.sequential(
        Square(name="square"),
        embeddings_initializer=keras.initializers.RandomNormal(0, 1),
    )
    return model, ids(), {}


@fault("gradients", "dense")
def root_with_an_infinite_gradient_at_zero():
    class Length(keras.layers.Layer):
        def call(self, x, mask=None):
            lengths = ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True))
            return x + lengths

    def make(x, token_ids):
        real = ops.cast(ops.not_equal(token_ids, 0), "float32")[..., None]
        x = keras.layers.Dense(WIDTH, name="dense")(x)
        return Length()(x * real)

    return parts.functional(make), ids(), {}


@fault("gradients through time", "memory")
def gradient_stopped_through_time():
    class Memory(keras.layers.Layer):
        def call(self, x):
            return x + ops.stop_gradient(ops.cumsum(x, axis=1))

    return parts.sequential(Memory(name="memory")), ids(), {}


@fault("weights", "branch")
def weights_behind_a_stopped_gradient():
    def make(x, _):
        branch = keras.layers.Dense(WIDTH, name="branch")(x)
        return x + ops.stop_gradient(branch)

    return parts.functional(make), ids(), {}


@fault("weights", "unused")
def weights_that_are_multiplied_by_zero():
    def make(x, _):
        return x + 0.0 * keras.layers.Dense(WIDTH, name="unused")(x)

    return parts.functional(make), ids(), {}


# loss and schedule


def scores(activation=None, **embedding):
    return parts.sequential(
        keras.layers.GRU(WIDTH, return_sequences=True),
        keras.layers.Dense(VOCAB, activation=activation, name="scores"),
        **embedding,
    )


@fault("softmax", "softmax")
def softmax_of_a_softmax():
    model = scores("softmax", mask_zero=True)
    model.add(keras.layers.Activation("softmax", name="softmax"))
    return model, ids(), {"loss": PROBABILITIES}


@fault("logits", "scores")
def probabilities_for_a_loss_of_logits():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return scores("softmax", mask_zero=True), ids(), {"loss": loss}


@fault("logits", "scores")
def logits_for_a_loss_of_probabilities():
    model = scores(mask_zero=True)
    model.compile(loss=PROBABILITIES)
    return model, ids(), {}


@fault("loss over padding", None)
def loss_that_counts_padding():
    return scores("softmax"), ids(), {"loss": PROBABILITIES}


@fault("loss over padding", None)
def loss_divided_by_all_positions():
    def weights(labels):
        return (labels != 0).astype("float32")

    arguments = {"loss": PROBABILITIES, "sample_weight": weights}
    return scores("softmax"), ids(), arguments


@fault("loss over padding", None)
def implicit_mask_that_never_reaches_the_loss():
    def make(x, _):
        attention = parts.keras_attention()
        x = keras.layers.Add()([x, attention(x, x, use_causal_mask=True)])
        return keras.layers.Dense(VOCAB, activation="softmax")(x)

    model = parts.functional(make, scores=None, mask_zero=True)
    return model, ids(), {"loss": PROBABILITIES, "causal": True}


@fault("schedule", None)
def schedule_that_counts_accumulated_batches():
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, 9000, warmup_target=1e-3, warmup_steps=1000
    )
    optimizer = keras.optimizers.Adam(schedule, gradient_accumulation_steps=4)
    model = scores("softmax", mask_zero=True)
    model.compile(optimizer, PROBABILITIES)
    return model, ids(), {}
