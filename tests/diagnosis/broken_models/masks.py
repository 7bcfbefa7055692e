"""Models with a fault of masks: padding, the source, the future."""

import keras
from keras import ops

from tests.diagnosis import parts
from tests.diagnosis.parts import HEADS, LENGTH, VOCAB, WIDTH, ids

MODELS = []
fault = parts.faults(MODELS)


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
