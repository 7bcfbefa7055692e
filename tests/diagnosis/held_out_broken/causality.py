"""Held-out models that read the future."""

import keras
from keras import layers, ops

from tests.diagnosis.held_out_parts import (
    GPT,
    LENGTH,
    VOCAB,
    WIDTH,
    GPTBlock,
    MinGPTAttention,
    SelfAttention,
    embedding,
    features,
    ids,
)
from tests.diagnosis.parts import faults

MODELS = []
fault = faults(MODELS)


# causality


@fault("causality", "h1/attn")
def gpt_with_one_block_without_causal_mask():
    blocks = [GPTBlock(i != 1, f"h{i}") for i in range(3)]
    return GPT(*blocks), ids(), {"causal": True}


@fault("causality", "last_dot")
def second_dot_product_attention_without_causal_mask():
    token_ids = keras.Input((None,), dtype="int32")
    x = embedding()(token_ids)
    x = x + layers.Attention(name="dot", use_scale=True)([x, x], use_causal_mask=True)
    x = x + layers.Attention(name="last_dot", use_scale=True)([x, x])
    return keras.Model(token_ids, layers.Dense(VOCAB)(x)), ids(), {"causal": True}


@fault("padding", "")
def last_position_of_a_gpt_is_padding():
    gpt = GPT(GPTBlock(True, "h0"), GPTBlock(True, "h1"))
    token_ids = keras.Input((None,), dtype="int32")
    last = gpt(token_ids)[:, -1]
    return keras.Model(token_ids, layers.Dense(3, name="label")(last)), ids(), {}


@fault("causality", "conv_4")
def wavenet_with_one_convolution_that_is_not_causal():
    token_ids = keras.Input((None,), dtype="int32")
    x = embedding()(token_ids)
    for dilation, padding in ((1, "causal"), (2, "causal"), (4, "same")):
        convolution = layers.Conv1D(
            WIDTH, 3, padding=padding, dilation_rate=dilation, name=f"conv_{dilation}"
        )
        x = layers.Add()([x, layers.Activation("tanh")(convolution(x))])
    return keras.Model(token_ids, layers.Dense(VOCAB)(x)), ids(), {"causal": True}


class UpperTriangle(SelfAttention):
    def weights_of(self, scores, keep):
        seen = ops.triu(ops.ones_like(scores)) > 0
        return ops.softmax(ops.where(ops.logical_and(keep, seen), scores, -1e4))


@fault("causality", "attention")
def mask_of_the_wrong_triangle():
    token_ids = keras.Input((LENGTH,), dtype="int32")
    x = embedding()(token_ids)
    x = x + UpperTriangle()(x, ops.not_equal(token_ids, 0))
    return keras.Model(token_ids, layers.Dense(VOCAB)(x)), ids(), {"causal": True}


class TokenShift(layers.Layer):
    def call(self, x):
        return 0.5 * x + 0.5 * ops.roll(x, 1, axis=1)


@fault("causality", "shift")
def token_shift_that_wraps_around():
    model = keras.Sequential(
        [embedding(), TokenShift(name="shift"), layers.GRU(8, return_sequences=True)]
    )
    return model, ids(padded=False), {"causal": True, "pad_id": None}


@fault("causality", "group_norm")
def group_normalization_in_a_causal_network():
    model = keras.Sequential(
        [
            embedding(),
            layers.Conv1D(WIDTH, 2, padding="causal", name="conv"),
            layers.GroupNormalization(3, name="group_norm"),
            layers.Dense(VOCAB, name="head"),
        ]
    )
    return model, ids(padded=False), {"causal": True, "pad_id": None}


@fault("causality", "excite")
def squeeze_and_excite_in_a_causal_network():
    inputs = keras.Input((None, 5))
    x = layers.Conv1D(WIDTH, 2, padding="causal")(inputs)
    squeezed = layers.GlobalAveragePooling1D(keepdims=True, name="excite_pool")(x)
    gate = layers.Dense(WIDTH, activation="sigmoid", name="excite_gate")(squeezed)
    x = layers.Dense(2)(layers.Multiply(name="apply")([x, gate]))
    return keras.Model(inputs, x), features(), {"causal": True, "pad_id": None}


@fault("causality", "token_mixing")
def mixer_as_a_language_model():
    token_ids = keras.Input((LENGTH,), dtype="int32")
    x = embedding()(token_ids)
    y = layers.Permute((2, 1), name="to_channels")(x)
    y = layers.Dense(LENGTH, activation="gelu", name="token_mixing")(y)
    x = layers.Add()([x, layers.Permute((2, 1), name="to_tokens")(y)])
    model = keras.Model(token_ids, layers.Dense(VOCAB)(x))
    return model, ids(padded=False), {"causal": True, "pad_id": None}


@fault("causality", "c_attention")
def fused_projection_split_without_transpose():
    token_ids = keras.Input((None,), dtype="int32")
    x = embedding()(token_ids)
    x = layers.LayerNormalization()(x + MinGPTAttention(split=False)(x))
    return keras.Model(token_ids, layers.Dense(VOCAB)(x)), ids(), {"causal": True}
