"""Held-out models with a fault of gradients, numbers, the loss or inputs."""

import keras
from keras import layers, ops

from tests.diagnosis.held_out_parts import (
    FROM_LOGITS,
    GPT,
    HEADS,
    SOURCE,
    VOCAB,
    WIDTH,
    GPTBlock,
    SelfAttention,
    TextEncoder,
    embedding,
    ids,
    tagger,
)
from tests.diagnosis.parts import faults

MODELS = []
fault = faults(MODELS)


# gradients


class Cascade(keras.Model):
    def __init__(self):
        super().__init__(name="cascade")
        self.embed, self.draft = (
            embedding(mask_zero=True),
            layers.LSTM(8, return_sequences=True, name="draft"),
        )
        self.draft_head = layers.Dense(VOCAB, name="draft_head")
        self.second = embedding("second_embedding")
        self.head = layers.Dense(VOCAB, name="head")

    def call(self, ids):
        draft = ops.argmax(self.draft_head(self.draft(self.embed(ids))), axis=-1)
        return self.head(self.second(draft) + self.second(ids))


@fault("weights", "draft")
def argmax_in_the_middle():
    return Cascade(), ids(), {}


class FrozenByMistake(keras.Model):
    def __init__(self):
        super().__init__(name="frozen")
        self.source, self.target = embedding("source"), embedding("target")
        self.encoder = layers.Dense(WIDTH, name="encoder_dense")
        self.cross = layers.MultiHeadAttention(HEADS, 4, name="cross")
        self.head = layers.Dense(VOCAB, name="head")

    def call(self, inputs):
        x = ops.stop_gradient(self.encoder(self.source(inputs["source"])))
        y = self.target(inputs["target"])
        keep = ops.not_equal(inputs["source"], 0)[:, None, :]
        return self.head(y + self.cross(y, x, attention_mask=keep))


@fault("weights", "encoder_dense")
def encoder_that_gets_no_gradient():
    inputs = {"source": ids(SOURCE, 3), "target": ids()}
    return FrozenByMistake(), inputs, {"causal": "target"}


class DropsPositions(layers.Layer):
    def __init__(self):
        super().__init__(name="token_and_position")
        self.tokens = embedding("tokens")
        self.positions = layers.Embedding(64, WIDTH, name="position_table")

    def call(self, ids):
        x = self.tokens(ids)
        x + self.positions(ops.arange(ops.shape(ids)[1]))  # noqa: B018
        return x


@fault("weights", "position_table")
def positions_computed_and_not_added():
    token_ids = keras.Input((None,), dtype="int32")
    x = DropsPositions()(token_ids)
    attention = layers.MultiHeadAttention(HEADS, 4)
    mask = ops.not_equal(token_ids, 0)[:, None, :]
    x = layers.LayerNormalization()(x + attention(x, x, attention_mask=mask))
    return keras.Model(token_ids, layers.Dense(VOCAB)(x)), ids(), {}


# half precision and rows of padding


class OwnNorm(layers.Layer):
    def call(self, x):
        centred = x - ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
        return centred / ops.sqrt(variance + 1e-12)


@fault("half precision", "own_norm")
def epsilon_that_is_zero_in_half_precision():
    token_ids = keras.Input((None,), dtype="int32")
    keep = ops.cast(ops.not_equal(token_ids, 0), "float32")[..., None]
    x = layers.Multiply()([embedding()(token_ids), keep])
    x = OwnNorm(name="own_norm")(x)
    return keras.Model(token_ids, layers.Dense(VOCAB)(x)), ids(), {}


class LogOfTheMask(SelfAttention):
    def weights_of(self, scores, keep):
        return ops.softmax(scores + ops.log(ops.cast(keep, scores.dtype)))


@fault("masked row", "second")
def logarithm_of_the_mask():
    return TextEncoder(LogOfTheMask), ids(), {}


# loss


@fault("logits", "head")
def relu_on_logits():
    return tagger("relu"), ids(), {}


@fault("logits", "head")
def sigmoid_for_a_loss_of_classes():
    return tagger("sigmoid", "sparse_categorical_crossentropy"), ids(), {}


@fault("logits", "over_time")
def softmax_over_time():
    model = tagger(mask_zero=False)
    model.add(layers.Softmax(axis=1, name="over_time"))
    return model, ids(), {"loss": "sparse_categorical_crossentropy"}


@fault("logits", "label")
def sigmoid_for_a_binary_loss_of_logits():
    model = keras.Sequential(
        [
            embedding(mask_zero=True),
            layers.Bidirectional(layers.LSTM(6)),
            layers.Dense(1, activation="sigmoid", name="label"),
        ]
    )
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    return model, ids(), {}


@fault("loss over padding", None)
def gpt_trained_on_padding():
    model = GPT(GPTBlock(True, "h0"))
    model.compile("adam", FROM_LOGITS)
    return model, ids(), {"causal": True}


@fault("loss over padding", None)
def loss_that_ignores_another_id():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    return tagger(loss=loss, mask_zero=False), ids(), {"causal": True}


@fault("loss over padding", None)
def smoothed_one_hot_loss_that_counts_padding():
    def loss(labels, logits):
        labels = ops.one_hot(ops.cast(labels, "int32"), VOCAB)
        return keras.losses.categorical_crossentropy(
            labels, logits, from_logits=True, label_smoothing=0.1
        )

    return tagger(loss=loss, mask_zero=False), ids(), {"causal": True}


# inputs that have no effect


class EncodesTheTarget(keras.Model):
    def __init__(self):
        super().__init__(name="copy_and_paste")
        self.source, self.target = embedding("source"), embedding("target")
        self.encoder, self.decoder = (
            layers.GRU(WIDTH),
            layers.GRU(WIDTH, return_sequences=True),
        )
        self.head = layers.Dense(VOCAB)

    def call(self, inputs):
        source, target = inputs["source"], inputs["target"]
        source = target  # left over from a test
        state = self.encoder(self.source(source)[:, :1])
        y = self.decoder(self.target(target), initial_state=state)
        return self.head(y)


@fault("influence", "")
def source_replaced_by_the_target():
    inputs = {"source": ids(SOURCE, 3), "target": ids()}
    return EncodesTheTarget(), inputs, {"causal": "target"}
