"""Models with one fault each: what the doctor must find, and in which layer.

Each function returns a model, its inputs and arguments of the doctor. The decorator
says which check must find the fault and a part of the name of the layer at fault, or
`None` where the fault is in no layer.
"""

import keras
import numpy as np
from keras import ops

from tests.diagnosis import parts
from tests.diagnosis.parts import HEADS, LENGTH, VOCAB, WIDTH, ids

PROBABILITIES = "sparse_categorical_crossentropy"
MODELS = []


def fault(check, layer):
    def add(make):
        MODELS.append((make, check, layer))
        return make

    return add


# masks


@fault("padding", "encoder_layer_2/attention")
def tutorial_encoder_whose_implicit_mask_ends_after_layer_1():
    class EncoderLayer(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.attention = keras.layers.MultiHeadAttention(
                HEADS, WIDTH, name="attention"
            )
            self.norms = [keras.layers.LayerNormalization() for _ in range(2)]
            self.adds = [keras.layers.Add() for _ in range(2)]
            self.feed_forward = keras.Sequential(
                [keras.layers.Dense(19, activation="relu"), keras.layers.Dense(WIDTH)]
            )

        def call(self, x):
            y = self.attention(query=x, value=x, key=x)
            x = self.norms[0](self.adds[0]([x, y]))
            return self.norms[1](self.adds[1]([x, self.feed_forward(x)]))

    layers = [EncoderLayer(name=f"encoder_layer_{i}") for i in (1, 2, 3)]
    start = keras.initializers.RandomNormal(stddev=1.0, seed=4)
    model = parts.sequential(*layers, mask_zero=True, embeddings_initializer=start)
    return model, ids(), {}


@fault("padding", "self_attention")
def padding_mask_forgotten():
    def make(x, _):
        attention = parts.keras_attention()
        return parts.residual(x, lambda x: attention(x, x))

    return parts.functional(make), ids(), {}


@fault("padding", "self_attention (")
def padding_mask_forgotten_in_a_model_of_one_length():
    def make(x, _):
        attention = parts.keras_attention()
        return parts.residual(x, lambda x: attention(x, x))

    return parts.functional(make, length=LENGTH), ids(), {}


@fault("padding", "attention")
def explicit_padding_mask_that_a_block_ignores():
    class Block(keras.layers.Layer):  # with the signature of KerasHub's encoder
        def __init__(self):
            super().__init__(name="block")
            self.attention = parts.keras_attention("attention")

        def call(self, inputs, padding_mask=None):
            return inputs + self.attention(inputs, inputs)

    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    mask = keras.Input((None,), dtype="int32", name="padding_mask")
    x = Block()(keras.layers.Embedding(VOCAB, WIDTH)(token_ids), padding_mask=mask)
    model = keras.Model({"token_ids": token_ids, "padding_mask": mask}, x)
    inputs = {"token_ids": ids(), "padding_mask": (ids() != 0).astype("int32")}
    return model, inputs, {}


@fault("padding", "attention (Attention)")
def mask_of_swapped_meaning():
    return parts.Encoder(allowed=lambda ids: ids == 0), ids(), {}


@fault("padding", "cross_attention (")
def cross_attention_without_the_source_mask():
    return parts.Cross(hides=False), parts.pair(), {"causal": "target"}


@fault("influence", None)
def decoder_that_never_reads_the_source():
    return parts.Cross(reads_source=False), parts.pair(), {"causal": "target"}


@fault("causality", "self_attention")
def look_ahead_mask_missing():
    def make(x, _):
        attention = parts.keras_attention()
        return parts.residual(x, lambda x: attention(x, x))

    return parts.functional(make), ids(), {"causal": True}


@fault("causality", "attention (Attention)")
def causal_mask_that_shows_one_token_too_many():
    return parts.Encoder(causal=1), ids(), {"causal": True}


@fault("causality", "attention (Attention)")
def causal_mask_that_hides_the_token_itself():
    # the first query has no allowed key and gets the mean of all values
    return parts.Encoder(causal=-1), ids(), {"causal": True}


@fault("causality", "bidirectional")
def bidirectional_layer_in_a_causal_model():
    layer = keras.layers.GRU(5, return_sequences=True)
    model = parts.sequential(keras.layers.Bidirectional(layer), mask_zero=True)
    return model, ids(), {"causal": True}


@fault("causality", "conv1d")
def convolution_that_looks_ahead():
    model = parts.sequential(keras.layers.Conv1D(5, 3, padding="same", name="conv1d"))
    return model, ids(), {"causal": True}


@fault("causality", "norm_over_time")
def normalization_over_time_in_a_causal_model():
    class OverTime(keras.layers.Layer):
        def call(self, x):
            return x - ops.mean(x, axis=1, keepdims=True)

    return parts.sequential(OverTime(name="norm_over_time")), ids(), {"causal": True}


@fault("padding", "gru")
def last_state_of_a_layer_without_a_mask():
    return parts.sequential(keras.layers.GRU(5, name="gru")), ids(), {}


@fault("padding", "gru_2")
def mask_lost_in_a_layer_that_does_not_pass_it_on():
    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    model = parts.sequential(
        keras.layers.GRU(7, return_sequences=True),
        Twice(name="twice"),
        keras.layers.GRU(5, name="gru_2"),
        mask_zero=True,
    )
    return model, ids(), {}


@fault("padding", "pooling")
def mean_over_padding():
    model = parts.sequential(keras.layers.GlobalAveragePooling1D(name="pooling"))
    return model, ids(), {}


# heads and scales


@fault("attention", "attention (Attention)")
def scores_divided_by_the_root_of_the_whole_width():
    return parts.Encoder(scale=WIDTH**-0.5), ids(), {}


@fault("attention", "attention (Attention)")
def heads_split_without_transpose():
    return parts.Encoder(split=False, allowed=ops.ones_like), ids(), {"pad_id": None}


@fault("attention", "attention (Attention)")
def heads_merged_without_transpose():
    return parts.Encoder(merge=False), ids(), {}


# batch


@fault("batch", "reshape")
def batch_mixed_by_a_reshape():
    def make(x, _):
        shape = ops.shape(x)
        # time first needs a transpose
        y = ops.reshape(x, (shape[1], -1, WIDTH))
        y = keras.layers.GRU(WIDTH, return_sequences=True)(y)
        return x + ops.reshape(y, (-1, shape[1], WIDTH))

    return parts.functional(make, length=LENGTH), ids(), {"pad_id": None}


@fault("batch", "batch_norm")
def batch_normalization_over_the_batch_at_hand():
    class OverBatch(keras.layers.Layer):
        def call(self, x):
            return x - ops.mean(x, axis=0, keepdims=True)

    return parts.sequential(OverBatch(name="batch_norm")), ids(), {}


class Always(keras.layers.Layer):
    """Calls a layer with one value of `training`, whatever its own is."""

    def __init__(self, layer, training):
        super().__init__(name="block")
        self.layer, self.training = layer, training

    def call(self, x, training=None):
        return self.layer(x, training=self.training)


@fault("inference", "block/batch_normalization")
def batch_normalization_in_training_mode():
    layer = keras.layers.BatchNormalization(name="batch_normalization")
    return parts.sequential(Always(layer, True)), ids(), {}


# dropout


@fault("inference", "block/dropout")
def dropout_at_inference():
    layer = keras.layers.Dropout(0.5, name="dropout")
    return parts.sequential(Always(layer, True)), ids(), {}


@fault("dropout", "block/dropout")
def dropout_never_active():
    layer = keras.layers.Dropout(0.5, name="dropout")
    return parts.sequential(Always(layer, False)), ids(), {}


@fault("dropout", "forgotten")
def dropout_never_called():
    class Forgetful(keras.Model):
        def __init__(self):
            super().__init__()
            self.embedding = keras.layers.Embedding(VOCAB, WIDTH)
            self.forgotten = keras.layers.Dropout(0.1, name="forgotten")

        def call(self, ids):
            return self.embedding(ids)

    return Forgetful(), ids(), {}


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
