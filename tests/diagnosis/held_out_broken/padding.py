"""Held-out models that read padding."""

import keras
import numpy as np
from keras import layers, ops

from tests.diagnosis.held_out_parts import (
    HEADS,
    INNER,
    SOURCE,
    VOCAB,
    WIDTH,
    SelfAttention,
    TextEncoder,
    embedding,
    ids,
)
from tests.diagnosis.parts import faults

MODELS = []
fault = faults(MODELS)


# padding


class BertWithAnUnusedMask(keras.Model):
    def __init__(self):
        super().__init__(name="bert")
        self.tokens, self.segments = embedding("tokens"), layers.Embedding(2, WIDTH)
        self.positions = layers.Embedding(32, WIDTH)
        self.attention = layers.MultiHeadAttention(HEADS, 4, name="self_attention")
        self.norm = layers.LayerNormalization()
        self.pooler = layers.Dense(WIDTH, activation="tanh", name="pooler")

    def call(self, inputs):
        token_ids = inputs["token_ids"]
        positions = self.positions(ops.arange(ops.shape(token_ids)[1]))
        x = self.tokens(token_ids) + self.segments(inputs["segment_ids"]) + positions
        x = self.norm(x + self.attention(x, x))
        return self.pooler(x[:, 0])


@fault("padding", "self_attention")
def bert_that_does_not_use_its_mask():
    token_ids = ids()
    inputs = {
        "token_ids": token_ids,
        "segment_ids": np.ones_like(token_ids),
        "padding_mask": token_ids != 0,
    }
    return BertWithAnUnusedMask(), inputs, {}


class Multiplied(SelfAttention):
    def weights_of(self, scores, keep):
        return ops.softmax(scores * ops.cast(keep, scores.dtype))


@fault("padding", "second")
def scores_multiplied_by_the_mask():
    return TextEncoder(Multiplied), ids(), {}


class MaskedLate(SelfAttention):
    def weights_of(self, scores, keep):
        return ops.softmax(scores) * ops.cast(keep, scores.dtype)


@fault("padding", "second")
def mask_after_the_softmax():
    return TextEncoder(MaskedLate), ids(), {}


class HidesWords(SelfAttention):
    def weights_of(self, scores, keep):
        return ops.softmax(scores + ops.cast(keep, scores.dtype) * -1e4)


@fault("padding", "second")
def real_tokens_hidden_instead_of_padding():
    return TextEncoder(HidesWords), ids(), {}


class SoftmaxOfQueries(SelfAttention):
    def weights_of(self, scores, keep):
        return ops.softmax(ops.where(keep, scores, -1e4), axis=-2)


@fault("padding", "second")
def softmax_over_queries():
    return TextEncoder(SoftmaxOfQueries), ids(), {}


@fault("padding", "attention_1")
def mask_of_queries_instead_of_keys():
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    keep = ops.not_equal(token_ids, 0)
    x = embedding()(token_ids)
    for i, mask in enumerate((keep[:, None, :], keep[:, :, None])):
        attention = layers.MultiHeadAttention(HEADS, 4, name=f"attention_{i}")
        x = layers.LayerNormalization()(x + attention(x, x, attention_mask=mask))
    return keras.Model(token_ids, layers.Dense(VOCAB)(x)), ids(), {}


@fault("padding", "conv")
def text_cnn_that_reads_padding():
    model = keras.Sequential(
        [
            embedding(),
            layers.Conv1D(16, 3, padding="same", activation="relu", name="conv"),
            layers.GlobalMaxPooling1D(name="pool"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    return model, ids(), {}


@fault("padding", "encoder_gru")
def recurrent_encoder_without_mask():
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    encoder = layers.GRU(
        WIDTH, return_sequences=True, return_state=True, name="encoder_gru"
    )
    outputs, state = encoder(embedding("source_embedding")(source))
    y = embedding("target_embedding", mask_zero=True)(target)
    y = layers.GRU(WIDTH, return_sequences=True)(y, initial_state=state)
    context = layers.Attention()([y, outputs])
    y = layers.Dense(VOCAB)(layers.Concatenate()([y, context]))
    inputs = {"source": ids(SOURCE, 3), "target": ids()}
    return keras.Model([source, target], y), inputs, {"causal": "target"}


class Bahdanau(layers.Layer):
    def __init__(self):
        super().__init__(name="bahdanau")
        self.w1, self.w2 = layers.Dense(INNER), layers.Dense(INNER)
        self.v = layers.Dense(1)

    def call(self, query, values):
        score = self.v(ops.tanh(self.w1(query[:, :, None]) + self.w2(values[:, None])))
        return ops.sum(ops.softmax(score, axis=2) * values[:, None], axis=2)


class Translator(keras.Model):
    def __init__(self):
        super().__init__(name="translator")
        self.source_embedding = embedding("source_embedding", mask_zero=True)
        self.target_embedding = embedding("target_embedding", mask_zero=True)
        self.encoder = layers.Bidirectional(layers.LSTM(6, return_sequences=True))
        self.decoder = layers.LSTM(WIDTH, return_sequences=True)
        self.attention, self.head = Bahdanau(), layers.Dense(VOCAB)

    def call(self, inputs):
        source, target = inputs
        states = self.encoder(self.source_embedding(source))
        y = self.decoder(self.target_embedding(target))
        return self.head(ops.concatenate([y, self.attention(y, states)], axis=-1))


@fault("padding", "bahdanau")
def additive_attention_without_mask():
    return Translator(), (ids(SOURCE, 3), ids()), {"causal": 1}


@fault("padding", "")
def home_made_bidirectional_layer_that_begins_with_padding():
    token_ids = keras.Input((None,), dtype="int32")
    x = embedding()(token_ids)
    forward = layers.GRU(WIDTH, return_sequences=True)(x)
    backward = layers.GRU(WIDTH, return_sequences=True)(x[:, ::-1])[:, ::-1]
    x = layers.Concatenate()([forward, backward])
    return keras.Model(token_ids, layers.Dense(VOCAB)(x)), ids(), {}
