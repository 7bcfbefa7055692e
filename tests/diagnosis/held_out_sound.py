"""Sound models that were written before the doctor was tried on them."""

import keras
import numpy as np
from keras import layers, ops

from tests.diagnosis.held_out_broken import (
    FROM_LOGITS,
    GPT,
    HEADS,
    INNER,
    LENGTH,
    SOURCE,
    VOCAB,
    WIDTH,
    GPTBlock,
    MinGPTAttention,
    SelfAttention,
    TextEncoder,
    embedding,
    features,
    feed_forward,
    ids,
    tagger,
)

IGNORES_PADDING = keras.losses.SparseCategoricalCrossentropy(
    from_logits=True, ignore_class=0
)
MODELS = []


def sound(make):
    MODELS.append(make)
    return make


def real(token_ids):
    return ops.not_equal(token_ids, 0)


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


class MaskedMean(layers.Layer):
    def call(self, x, mask=None):
        weights = ops.cast(mask, x.dtype)[..., None]
        count = ops.maximum(ops.sum(weights, axis=1), 1)
        return ops.sum(x * weights, axis=1) / count


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


class RotaryDecoder(keras.Model):
    """Rotary positions, grouped queries, RMS norm and a gated feed-forward network."""

    def __init__(self):
        super().__init__(name="llama")
        self.embed = embedding()
        self.q, self.kv = layers.Dense(16, use_bias=False), layers.Dense(16)
        self.out = layers.Dense(WIDTH)
        self.norms = [layers.RMSNormalization() for _ in range(2)]
        self.gate = layers.Dense(INNER, activation="silu")
        self.up, self.down = layers.Dense(INNER), layers.Dense(WIDTH)
        self.head = layers.Dense(VOCAB)

    def rotate(self, x):
        half = x.shape[-1] // 2
        time = ops.cast(ops.arange(ops.shape(x)[1]), x.dtype)[:, None]
        angle = time * 100.0 ** (-ops.arange(half, dtype=x.dtype) / half)
        sin, cos = ops.sin(angle)[None, :, None], ops.cos(angle)[None, :, None]
        a, b = x[..., :half], x[..., half:]
        return ops.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)

    def attend(self, x):
        length = ops.shape(x)[1]
        q = self.rotate(ops.reshape(self.q(x), (-1, length, 4, 4)))
        k, v = ops.split(ops.reshape(self.kv(x), (-1, length, 2, 8)), 2, axis=-1)
        k, v = (ops.repeat(y, 2, axis=2) for y in (self.rotate(k), v))
        scores = ops.einsum("bthd,bshd->bhts", q, k) / 2.0
        scores = ops.where(ops.tri(length) > 0, scores, -3e4)
        y = ops.einsum("bhts,bshd->bthd", ops.softmax(scores), v)
        return self.out(ops.reshape(y, (-1, length, 16)))

    def call(self, ids):
        x = self.embed(ids)
        x = x + self.attend(self.norms[0](x))
        y = self.norms[1](x)
        return self.head(x + self.down(self.gate(y) * self.up(y)))


@sound
def llama():
    return RotaryDecoder(), ids(), {"causal": True, "loss": IGNORES_PADDING}


class LinearBias(SelfAttention):
    """ALiBi: a penalty that grows with the distance."""

    def weights_of(self, scores, keep):
        place = ops.arange(ops.shape(scores)[-1])
        distance = ops.cast(ops.abs(place[:, None] - place), scores.dtype)
        slopes = ops.convert_to_tensor([0.5, 0.25, 0.125])[:, None, None]
        return super().weights_of(scores - slopes * distance, keep)


class LocalWindow(SelfAttention):
    def weights_of(self, scores, keep):
        place = ops.arange(ops.shape(scores)[-1])
        near = ops.abs(place[:, None] - place) <= 2
        return super().weights_of(scores, ops.logical_and(keep, near))


@sound
def linear_bias_of_distances():
    return TextEncoder(LinearBias), ids(), {}


@sound
def window_of_attention():
    return TextEncoder(LocalWindow), ids(), {}


class ReZero(layers.Layer):
    """x + alpha F(x), where alpha starts at 0."""

    def __init__(self, layer):
        super().__init__(name="re_zero")
        self.layer = layer
        self.alpha = self.add_weight(shape=(), initializer="zeros", name="alpha")

    def call(self, x):
        return x + self.alpha * self.layer(x)


@sound
def re_zero():
    token_ids = keras.Input((None,), dtype="int32")
    x = embedding()(token_ids)
    x = x + layers.MultiHeadAttention(HEADS, 4)(x, x, use_causal_mask=True)
    x = ReZero(feed_forward("inner"))(x)
    return keras.Model(token_ids, layers.Dense(VOCAB)(x)), ids(), {"causal": True}


@sound
def head_that_starts_at_zero():
    model = keras.Sequential(
        [
            embedding(mask_zero=True),
            layers.GRU(WIDTH, return_sequences=True),
            layers.Dense(VOCAB, kernel_initializer="zeros", name="head"),
        ]
    )
    return model, ids(), {"causal": True, "loss": IGNORES_PADDING}


class Latents(layers.Layer):
    """Learned queries that read a sequence, as in the Perceiver."""

    def __init__(self):
        super().__init__(name="latents")
        self.latents = self.add_weight(shape=(1, 4, WIDTH), initializer="normal")
        self.cross = layers.MultiHeadAttention(HEADS, 4, name="cross")

    def call(self, x, keep):
        rows = ops.shape(x)[0]
        queries = ops.broadcast_to(self.latents, (rows, 4, WIDTH))
        return self.cross(queries, x, attention_mask=keep[:, None, :])


@sound
def perceiver():
    token_ids = keras.Input((None,), dtype="int32")
    keep = layers.Lambda(lambda ids: ops.not_equal(ids, 0), dtype="bool")(token_ids)
    x = Latents()(embedding()(token_ids), keep)
    x = layers.Flatten()(layers.LayerNormalization()(x))
    return keras.Model(token_ids, layers.Dense(3)(x)), ids(), {}


class Experts(layers.Layer):
    """Two of four feed-forward networks for each token."""

    def __init__(self):
        super().__init__(name="experts")
        self.router = layers.Dense(4, name="router")
        self.up = self.add_weight(shape=(4, WIDTH, INNER), name="up")
        self.down = self.add_weight(shape=(4, INNER, WIDTH), name="down")

    def call(self, x):
        weights = ops.softmax(self.router(x))
        second = ops.sort(weights, axis=-1)[..., -2:-1]
        weights = ops.where(weights >= second, weights, 0)
        y = ops.relu(ops.einsum("btd,edf->btef", x, self.up))
        y = ops.einsum("btef,efd->bted", y, self.down)
        return x + ops.einsum("bte,bted->btd", weights, y)


@sound
def mixture_of_experts():
    token_ids = keras.Input((None,), dtype="int32")
    x = embedding()(token_ids)
    x = x + layers.MultiHeadAttention(HEADS, 4)(x, x, use_causal_mask=True)
    x = layers.LayerNormalization()(Experts()(x))
    return keras.Model(token_ids, layers.Dense(VOCAB)(x)), ids(), {"causal": True}


class ShiftsItself(keras.Model):
    """Takes the target with its end and cuts the last token off itself."""

    def __init__(self):
        super().__init__(name="shifts_itself")
        self.source, self.target = embedding("source"), embedding("target")
        self.encoder_block = layers.MultiHeadAttention(HEADS, 4, name="encoder")
        self.self_attention = layers.MultiHeadAttention(HEADS, 4, name="decoder")
        self.cross_attention = layers.MultiHeadAttention(HEADS, 4, name="cross")
        self.head = layers.Dense(VOCAB, name="head")

    def call(self, inputs):
        source, target = inputs
        keep = real(source)[:, None, :]
        x = self.source(source)
        x = x + self.encoder_block(x, x, attention_mask=keep)
        y = self.target(target[:, :-1])
        y = y + self.self_attention(y, y, use_causal_mask=True)
        return self.head(y + self.cross_attention(y, x, attention_mask=keep))


@sound
def model_that_shifts_its_target_itself():
    return ShiftsItself(), (ids(SOURCE, 3), ids()), {"causal": 1}


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
