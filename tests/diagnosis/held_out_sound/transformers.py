"""Held-out sound models: Transformers of the usual kinds."""

import keras
import numpy as np
from keras import layers, ops

from tests.diagnosis.held_out_parts import (
    FROM_LOGITS,
    GPT,
    HEADS,
    IGNORES_PADDING,
    LENGTH,
    VOCAB,
    WIDTH,
    GPTBlock,
    MaskedMean,
    MinGPTAttention,
    SelfAttention,
    TextEncoder,
    embedding,
    features,
    feed_forward,
    ids,
    sounds,
)

MODELS = []
sound = sounds(MODELS)


# Transformers


class TransformerBlock(layers.Layer):
    """The block of the Keras example, which passes its mask on."""

    def __init__(self, rate=0.1, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.att = layers.MultiHeadAttention(HEADS, 4, dropout=rate)
        self.ffn = feed_forward("ffn")
        self.layernorm1 = layers.LayerNormalization(epsilon=1e-6)
        self.layernorm2 = layers.LayerNormalization(epsilon=1e-6)
        self.dropout1, self.dropout2 = layers.Dropout(rate), layers.Dropout(rate)

    def call(self, inputs, mask=None, training=None):
        keep = None if mask is None else mask[:, None, :]
        y = self.att(inputs, inputs, attention_mask=keep, training=training)
        x = self.layernorm1(inputs + self.dropout1(y, training=training))
        return self.layernorm2(x + self.dropout2(self.ffn(x), training=training))


@sound
def keras_example_of_text_classification():
    token_ids = keras.Input((None,), dtype="int32")
    x = embedding(mask_zero=True)(token_ids)
    x = TransformerBlock(name="block_1")(x)
    x = TransformerBlock(name="block_2")(x)
    x = layers.Dropout(0.1)(MaskedMean()(x))
    model = keras.Model(token_ids, layers.Dense(3, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, ids(), {}


@sound
def gpt():
    model = GPT(GPTBlock(True, "h0"), GPTBlock(True, "h1"))
    model.compile(keras.optimizers.AdamW(1e-3), IGNORES_PADDING)
    return model, ids(), {"causal": True}


class TiedGPT(GPT):
    """The output uses the table of the embedding, and starts near zero."""

    def __init__(self, *blocks):
        super().__init__(*blocks)
        del self.head

    def call(self, ids, training=None):
        x = self.wte(ids) + self.wpe(ops.arange(ops.shape(ids)[1]))
        for block in self.blocks:
            x = block(x)
        return self.ln_f(x) @ ops.transpose(self.wte.embeddings)


@sound
def gpt_with_tied_weights():
    return TiedGPT(GPTBlock(True, "h0")), ids(), {"causal": True}


@sound
def gpt_in_mixed_float16():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = GPT(GPTBlock(True, "h0"), GPTBlock(True, "h1"))
        model(ids())
    finally:
        keras.config.set_dtype_policy(before)
    return model, ids(), {"causal": True, "loss": IGNORES_PADDING}


@sound
def gpt_in_int8():
    model = GPT(GPTBlock(True, "h0"))
    model(ids())
    model.quantize("int8")
    return model, ids(), {"causal": True}


@sound
def gpt_with_lora():
    model = GPT(GPTBlock(True, "h0"))
    model(ids())
    model.wte.enable_lora(2)
    model.head.enable_lora(2)
    return model, ids(), {"causal": True}


class Bert(keras.Model):
    def __init__(self):
        super().__init__(name="bert")
        self.tokens, self.segments = embedding("tokens"), layers.Embedding(2, WIDTH)
        self.positions = layers.Embedding(32, WIDTH)
        self.attention = layers.MultiHeadAttention(HEADS, 4, name="self_attention")
        self.norm = layers.LayerNormalization()
        self.pooler = layers.Dense(WIDTH, activation="tanh", name="pooler")
        self.masked_lm = layers.Dense(VOCAB, name="masked_lm")

    def call(self, inputs):
        token_ids, mask = inputs["token_ids"], inputs["padding_mask"]
        positions = self.positions(ops.arange(ops.shape(token_ids)[1]))
        x = self.tokens(token_ids) + self.segments(inputs["segment_ids"]) + positions
        mask = ops.cast(mask, "bool")[:, None, :]
        x = self.norm(x + self.attention(x, x, attention_mask=mask))
        return {"pooled": self.pooler(x[:, 0]), "logits": self.masked_lm(x)}


@sound
def bert_with_a_dictionary_of_inputs_and_outputs():
    token_ids = ids()
    segment_ids = np.zeros_like(token_ids)
    segment_ids[:, 4:] = 1
    inputs = {
        "token_ids": token_ids,
        "segment_ids": segment_ids,
        "padding_mask": (token_ids != 0).astype("int32"),
    }
    return Bert(), inputs, {}


class VisionTransformer(keras.Model):
    def __init__(self):
        super().__init__(name="vit")
        self.patch = layers.Dense(WIDTH, name="patch")
        self.token = self.add_weight(shape=(1, 1, WIDTH), initializer="normal")
        self.place = self.add_weight(shape=(1, LENGTH + 1, WIDTH), initializer="normal")
        self.blocks = [TransformerBlock() for _ in range(2)]
        self.head = layers.Dense(10, name="head")

    def call(self, patches, training=None):
        x = self.patch(patches)
        token = ops.broadcast_to(self.token, (ops.shape(x)[0], 1, WIDTH))
        x = ops.concatenate([token, x], axis=1) + self.place
        for block in self.blocks:
            x = block(x, training=training)
        return self.head(x[:, 0])


@sound
def vision_transformer():
    model = VisionTransformer()
    model.compile("adam", FROM_LOGITS)
    return model, features(), {"pad_id": None}


@sound
def encoder_with_attention_from_four_dense_layers():
    return TextEncoder(SelfAttention), ids(), {}


@sound
def fused_projection():
    token_ids = keras.Input((None,), dtype="int32")
    x = embedding()(token_ids)
    x = layers.LayerNormalization()(x + MinGPTAttention(split=True)(x))
    return keras.Model(token_ids, layers.Dense(VOCAB)(x)), ids(), {"causal": True}
