"""Held-out sound models: recurrent networks."""

import keras
from keras import layers

from tests.diagnosis.held_out_parts import (
    LENGTH,
    SOURCE,
    VOCAB,
    WIDTH,
    MaskedMean,
    embedding,
    features,
    ids,
    sounds,
    tagger,
)

MODELS = []
sound = sounds(MODELS)


# recurrent networks


@sound
def sequence_to_sequence_of_the_keras_tutorial():
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    x = embedding("source_embedding", mask_zero=True)(source)
    _, *states = layers.LSTM(WIDTH, return_state=True, name="encoder")(x)
    y = embedding("target_embedding", mask_zero=True)(target)
    y = layers.LSTM(WIDTH, return_sequences=True)(y, initial_state=states)
    y = layers.Dense(VOCAB, activation="softmax")(y)
    model = keras.Model([source, target], y)
    model.compile("rmsprop", "sparse_categorical_crossentropy")
    inputs = {"source": ids(SOURCE, 3), "target": ids()}
    return model, inputs, {"causal": "target"}


@sound
def luong_attention_with_implicit_masks():
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    x = embedding("source_embedding", mask_zero=True)(source)
    x = layers.Bidirectional(layers.GRU(6, return_sequences=True))(x)
    y = embedding("target_embedding", mask_zero=True)(target)
    y = layers.GRU(WIDTH, return_sequences=True, dropout=0.2)(y)
    y = layers.Concatenate()([y, layers.AdditiveAttention()([y, x])])
    y = layers.Dense(VOCAB)(y)
    inputs = {"source": ids(SOURCE, 3), "target": ids()}
    return keras.Model([source, target], y), inputs, {"causal": "target"}


@sound
def stateful_gru():
    token_ids = keras.Input((None,), batch_size=4, dtype="int32")
    x = embedding(mask_zero=True)(token_ids)
    x = layers.GRU(WIDTH, return_sequences=True, stateful=True, name="gru")(x)
    return keras.Model(token_ids, layers.Dense(VOCAB)(x)), ids(), {"causal": True}


@sound
def stateful_lstm_in_a_sequential_model():
    model = keras.Sequential(
        [
            layers.Input((LENGTH, 5), batch_size=4),
            layers.LSTM(8, stateful=True, return_sequences=True),
            layers.LSTM(6, stateful=True),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    return model, features(), {"pad_id": None}


@sound
def stacked_cells():
    cells = [layers.LSTMCell(8), layers.GRUCell(WIDTH)]
    model = keras.Sequential(
        [
            embedding(mask_zero=True),
            layers.RNN(cells, return_sequences=True),
            layers.TimeDistributed(layers.Dense(VOCAB)),
        ]
    )
    return model, ids(), {"causal": True}


@sound
def tagger_with_pretrained_frozen_embedding():
    model = tagger()
    model.layers[0].trainable = False
    return model, ids(), {"causal": True}


@sound
def siamese_networks():
    left = keras.Input((None,), dtype="int32", name="left")
    right = keras.Input((None,), dtype="int32", name="right")
    encoder = keras.Sequential(
        [embedding(mask_zero=True), layers.Bidirectional(layers.LSTM(6))],
        name="sentence_encoder",
    )
    x = layers.Dot(axes=1)([encoder(left), encoder(right)])
    x = layers.Dense(1, activation="sigmoid", name="same")(x)
    model = keras.Model([left, right], x)
    model.compile("adam", "binary_crossentropy")
    return model, [ids(SOURCE, 3), ids()], {}


@sound
def intent_and_slots():
    token_ids = keras.Input((None,), dtype="int32")
    x = embedding(mask_zero=True)(token_ids)
    x = layers.Bidirectional(layers.GRU(6, return_sequences=True))(x)
    slots = layers.Dense(7, activation="softmax", name="slots")(x)
    intent = layers.Dense(3, activation="softmax", name="intent")(MaskedMean()(x))
    model = keras.Model(token_ids, {"slots": slots, "intent": intent})
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, ids(), {}
