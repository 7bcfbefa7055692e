"""Models in which the doctor must find nothing."""

import keras
import numpy as np
from keras import ops

import tf_transformer as tt
from tests.diagnosis import parts
from tests.diagnosis.parts import HEADS, INNER, VOCAB, WIDTH, ids

OUR_INPUTS = {
    "source_ids": ids(parts.SOURCE_LENGTH, 6),
    "target_ids": ids(),
}
PROBABILITIES = "sparse_categorical_crossentropy"
LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
SIZES = {"num_layers": 1, "d_model": WIDTH, "num_heads": HEADS, "d_ff": INNER}


def transformer():
    model = tt.Transformer(VOCAB, **SIZES)
    schedule = tt.TransformerSchedule(WIDTH, gradient_accumulation_steps=4)
    optimizer = tt.Adam(schedule, gradient_accumulation_steps=4)
    model.compile(optimizer, tt.MaskedCrossEntropy(label_smoothing=0.1))
    return model, OUR_INPUTS, {}


def pre_norm_transformer_in_bfloat16():
    model = tt.Transformer(
        VOCAB,
        normalize_first=True,
        dtype="mixed_bfloat16",
        target_vocab_size=19,
        **SIZES,
    )
    return model, OUR_INPUTS | {"target_ids": OUR_INPUTS["target_ids"] % 19}, {}


def recurrent_with_attention():
    model = tt.RecurrentSeq2Seq(VOCAB, d_model=WIDTH, cell="lstm", score="additive")
    return model, OUR_INPUTS, {"loss": tt.MaskedCrossEntropy()}


def recurrent_without_attention():
    return tt.RecurrentSeq2Seq(VOCAB, d_model=WIDTH, score=None), OUR_INPUTS, {}


class OurEncoder(keras.Model):
    def __init__(self):
        super().__init__(name="our_encoder")
        self.embedding = tt.layers.TokenEmbedding(vocab_size=VOCAB, d_model=WIDTH)
        self.positions = tt.layers.PositionalEncoding(max_length=50)
        self.encoder = tt.layers.Encoder(**{**SIZES, "num_layers": 2})

    def call(self, token_ids, training=None):
        x = self.positions(self.embedding(token_ids))
        mask = ops.not_equal(token_ids, 0)
        return self.encoder(x, padding_mask=mask, training=training)


def encoder_only_of_our_layers():
    return OurEncoder(), ids(), {}


def keras_attention_stack():
    def make(x, token_ids):
        mask = parts.key_mask(token_ids)
        for i in range(2):
            attention = parts.keras_attention(f"attention_{i}", dropout=0.1)
            x = parts.residual(x, lambda x, a=attention: a(x, x, attention_mask=mask))
            x = parts.residual(x, keras.layers.Dense(WIDTH, activation="gelu"))
        return x

    return parts.functional(make), ids(), {"loss": LOGITS}


def decoder_only():
    def make(x, _):
        attention = parts.keras_attention()
        x = parts.residual(x, lambda x: attention(x, x, use_causal_mask=True))
        return keras.layers.Dropout(0.2)(x)

    return parts.functional(make), ids(), {"causal": True, "loss": LOGITS}


def keras_encoder_decoder():
    return parts.Cross(), parts.pair(), {"causal": "target"}


def attention_from_the_formula():
    return parts.Encoder(hidden=-3e4), ids(), {"loss": LOGITS}


def masked_gru():
    model = parts.sequential(
        keras.layers.GRU(WIDTH, return_sequences=True, dropout=0.1),
        keras.layers.Dense(VOCAB, activation="softmax"),
        mask_zero=True,
    )
    return model, ids(), {"causal": True, "loss": PROBABILITIES}


def masked_bidirectional_lstm():
    layer = keras.layers.LSTM(5, return_sequences=True)
    model = parts.sequential(keras.layers.Bidirectional(layer), mask_zero=True)
    return model, ids(), {}


def causal_convolutions():
    layers = [
        keras.layers.Conv1D(WIDTH, 3, padding="causal", dilation_rate=d) for d in (1, 2)
    ]
    model = parts.sequential(*layers, keras.layers.BatchNormalization())
    return model, ids(), {"causal": True}


def features_with_masking():
    layers = [
        keras.layers.Masking(),
        keras.layers.Bidirectional(keras.layers.GRU(5, return_sequences=True)),
        keras.layers.LSTM(6),
    ]
    model = keras.Sequential([keras.Input((None, 4)), *layers])
    features = np.random.default_rng(0).normal(size=(3, 7, 4)).astype("float32")
    features[1, 5:] = 0
    return model, features, {}


def classifier_of_the_last_state():
    model = parts.sequential(
        keras.layers.GRU(6),
        keras.layers.Dense(5, activation="softmax"),
        mask_zero=True,
    )
    return model, ids(), {"loss": PROBABILITIES}


def encoder_of_one_length():
    def make(x, token_ids):
        attention, mask = parts.keras_attention(), parts.key_mask(token_ids)
        return parts.residual(x, lambda x: attention(x, x, attention_mask=mask))

    return parts.functional(make, length=parts.LENGTH), ids(), {}


def explicit_padding_mask():
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    mask = keras.Input((None,), dtype="int32", name="padding_mask")
    x = keras.layers.Embedding(VOCAB, WIDTH)(token_ids)
    attention = parts.keras_attention()
    x = parts.residual(
        x, lambda x: attention(x, x, attention_mask=ops.cast(mask, "bool")[:, None])
    )
    model = keras.Model({"token_ids": token_ids, "padding_mask": mask}, x)
    inputs = {"token_ids": ids(), "padding_mask": (ids() != 0).astype("int32")}
    return model, inputs, {}


def regression_of_features():
    layers = [
        keras.layers.Masking(),
        keras.layers.GRU(6, return_sequences=True),
        keras.layers.Dense(4),
    ]
    model = keras.Sequential(layers)
    model.compile("adam", "mse")
    features = np.random.default_rng(1).normal(size=(3, 7, 4)).astype("float32")
    return model, features, {"causal": True}


def grouped_query_attention():
    def make(x, token_ids):
        attention = keras.layers.GroupQueryAttention(8, 4, 2)
        mask = parts.key_mask(token_ids)
        y = attention(x, x, attention_mask=mask, use_causal_mask=True)
        return keras.layers.RMSNormalization()(x + y)

    return parts.functional(make), ids(), {"causal": True}


def gru_with_dot_product_attention():
    source, target = (keras.Input((None,), dtype="int32") for _ in range(2))
    embedding = keras.layers.Embedding(VOCAB, WIDTH, mask_zero=True)
    states = keras.layers.GRU(WIDTH, return_sequences=True)(embedding(source))
    x = keras.layers.GRU(WIDTH, return_sequences=True)(embedding(target))
    x = keras.layers.Concatenate()([x, keras.layers.Attention()([x, states])])
    scores = keras.layers.Dense(VOCAB)(x)
    return keras.Model([source, target], scores), [ids(), ids()], {"causal": 1}


def several_outputs():
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(VOCAB, WIDTH, mask_zero=True)(inputs)
    x = keras.layers.LSTM(5, return_sequences=True)(x)
    outputs = {
        "last": keras.layers.LSTM(4)(x),
        "logits": keras.layers.Dense(VOCAB)(x),
    }
    return keras.Model(inputs, outputs), ids(), {"causal": True}


MODELS = [
    transformer,
    encoder_only_of_our_layers,
    keras_attention_stack,
    decoder_only,
    keras_encoder_decoder,
    attention_from_the_formula,
    masked_gru,
    masked_bidirectional_lstm,
    causal_convolutions,
    features_with_masking,
    classifier_of_the_last_state,
    encoder_of_one_length,
    explicit_padding_mask,
    regression_of_features,
    grouped_query_attention,
]
LONGEST = [
    pre_norm_transformer_in_bfloat16,
    recurrent_with_attention,
    recurrent_without_attention,
    gru_with_dot_product_attention,
    several_outputs,
]
ALL = [*MODELS, *LONGEST]
