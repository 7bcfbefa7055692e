"""Broken models that were written before the doctor was tried on them.

Each is a way in which people build models, with one mistake that people make. The
decorator says which check must find it and a part of the name of the layer at fault:
an empty part is any layer, `None` that no layer is at fault.
"""

import keras
import numpy as np
from keras import layers, ops

VOCAB, WIDTH, HEADS, INNER, ROWS, LENGTH, SOURCE = 29, 12, 3, 20, 4, 9, 7
FROM_LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
MODELS = []


def fault(check, layer):
    def add(make):
        MODELS.append((make, check, layer))
        return make

    return add


def ids(length=LENGTH, seed=11, padded=True):
    found = np.random.default_rng(seed).integers(1, VOCAB, (ROWS, length))
    if padded:
        found[0, length - 3 :] = 0
        found[2, length - 1 :] = 0
    return found.astype("int32")


def features(length=LENGTH, width=5):
    shape = (ROWS, length, width)
    return np.random.default_rng(12).normal(size=shape).astype("float32")


def embedding(name="embedding", **arguments):
    start = keras.initializers.RandomNormal(stddev=1.0)
    return layers.Embedding(
        VOCAB, WIDTH, embeddings_initializer=start, name=name, **arguments
    )


def feed_forward(name):
    dense = [layers.Dense(INNER, activation="gelu"), layers.Dense(WIDTH)]
    return keras.Sequential(dense, name=name)


class SelfAttention(layers.Layer):
    """Multi-head attention as in the tutorials: four Dense layers, a mask of keys.

    Subclasses change one step.
    """

    causal = False

    def __init__(self, name="attention"):
        super().__init__(name=name)
        self.wq, self.wk, self.wv = (layers.Dense(WIDTH, name=n) for n in "qkv")
        self.wo = layers.Dense(WIDTH, name="o")

    def build(self, shape, *_):
        for dense in (self.wq, self.wk, self.wv, self.wo):
            dense.build(shape)

    def split(self, x):
        x = ops.reshape(x, (-1, ops.shape(x)[1], HEADS, WIDTH // HEADS))
        return ops.transpose(x, (0, 2, 1, 3))

    def scale(self, scores):
        return scores / (WIDTH // HEADS) ** 0.5

    def weights_of(self, scores, keep):
        return ops.softmax(ops.where(keep, scores, -1e4))

    def call(self, x, keep):
        q, k, v = (self.split(w(x)) for w in (self.wq, self.wk, self.wv))
        scores = self.scale(q @ ops.transpose(k, (0, 1, 3, 2)))
        keep = keep[:, None, None, :]
        if self.causal:
            length = ops.shape(x)[1]
            seen = ops.arange(length)[:, None] >= ops.arange(length)
            keep = ops.logical_and(keep, seen[None, None])
        context = self.weights_of(scores, keep) @ v
        context = ops.transpose(context, (0, 2, 1, 3))
        return self.wo(ops.reshape(context, (-1, ops.shape(x)[1], WIDTH)))


class TextEncoder(keras.Model):
    """Two layers of some attention, in a subclass."""

    def __init__(self, attention):
        super().__init__(name="text_encoder")
        self.embed = embedding()
        self.attentions = [SelfAttention("first"), attention("second")]
        self.norms = [layers.LayerNormalization() for _ in range(4)]
        self.feed_forwards = [feed_forward(f"ffn_{i}") for i in range(2)]
        self.head = layers.Dense(VOCAB, name="head")

    def call(self, ids):
        keep = ops.not_equal(ids, 0)
        x = self.embed(ids)
        for i in range(2):
            x = self.norms[2 * i](x + self.attentions[i](x, keep))
            x = self.norms[2 * i + 1](x + self.feed_forwards[i](x))
        return self.head(x)


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


# causality


class GPTBlock(layers.Layer):
    def __init__(self, causal, name):
        super().__init__(name=name)
        self.causal = causal
        self.ln_1, self.ln_2 = layers.LayerNormalization(), layers.LayerNormalization()
        self.attn = layers.MultiHeadAttention(HEADS, 4, name="attn")
        self.mlp = feed_forward("mlp")

    def call(self, x):
        y = self.ln_1(x)
        x = x + self.attn(y, y, use_causal_mask=self.causal)
        return x + self.mlp(self.ln_2(x))


class GPT(keras.Model):
    def __init__(self, *blocks):
        super().__init__(name="gpt")
        self.wte = embedding("wte")
        self.wpe = layers.Embedding(64, WIDTH, name="wpe")
        self.blocks = blocks
        self.ln_f = layers.LayerNormalization(name="ln_f")
        self.head = layers.Dense(VOCAB, use_bias=False, name="head")

    def call(self, ids):
        x = self.wte(ids) + self.wpe(ops.arange(ops.shape(ids)[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.ln_f(x))


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


class MinGPTAttention(layers.Layer):
    def __init__(self, split):
        super().__init__(name="c_attention")
        self.c_attn, self.c_proj = layers.Dense(3 * WIDTH), layers.Dense(WIDTH)
        self.split = split

    def heads(self, x):
        length, width = ops.shape(x)[1], WIDTH // HEADS
        if not self.split:
            return ops.reshape(x, (-1, HEADS, length, width))
        return ops.transpose(ops.reshape(x, (-1, length, HEADS, width)), (0, 2, 1, 3))

    def call(self, x):
        length = ops.shape(x)[1]
        q, k, v = (self.heads(y) for y in ops.split(self.c_attn(x), 3, axis=-1))
        scores = ops.einsum("bhqd,bhkd->bhqk", q, k) / (WIDTH // HEADS) ** 0.5
        seen = ops.arange(length)[:, None] >= ops.arange(length)
        y = ops.softmax(ops.where(seen, scores, -1e4)) @ v
        y = ops.reshape(ops.transpose(y, (0, 2, 1, 3)), (-1, length, WIDTH))
        return self.c_proj(y)


@fault("causality", "c_attention")
def fused_projection_split_without_transpose():
    token_ids = keras.Input((None,), dtype="int32")
    x = embedding()(token_ids)
    x = layers.LayerNormalization()(x + MinGPTAttention(split=False)(x))
    return keras.Model(token_ids, layers.Dense(VOCAB)(x)), ids(), {"causal": True}


# attention


class RootOfTheWidth(SelfAttention):
    def scale(self, scores):
        return scores / WIDTH**0.5


@fault("attention", "second")
def root_of_the_whole_width_with_a_padding_mask():
    return TextEncoder(RootOfTheWidth), ids(), {}


class NotTransposed(SelfAttention):
    def split(self, x):
        return ops.reshape(x, (-1, HEADS, ops.shape(x)[1], WIDTH // HEADS))


@fault("attention", "second")
def heads_without_transpose_with_a_padding_mask():
    return TextEncoder(NotTransposed), ids(), {}


class EinsumAttention(layers.Layer):
    def __init__(self):
        super().__init__(name="einsum_attention")
        self.query, self.key, self.value = (
            layers.EinsumDense("btd,dhk->bthk", (None, HEADS, 4), name=name)
            for name in ("query", "key", "value")
        )
        self.out = layers.EinsumDense("bthk,hkd->btd", (None, WIDTH), name="out")

    def call(self, x):
        q, k, v = self.query(x), self.key(x), self.value(x)
        scores = ops.einsum("bthk,bshk->bhts", q, k) / WIDTH**0.5
        return self.out(ops.einsum("bhts,bshk->bthk", ops.softmax(scores), v))


@fault("attention", "einsum_attention")
def root_of_the_whole_width_in_einsums():
    inputs = keras.Input((None, 5))
    x = layers.Dense(WIDTH)(inputs)
    x = x + EinsumAttention()(x)
    model = keras.Model(inputs, layers.Dense(2)(x))
    return model, features(), {"pad_id": None}


# batch


class PositionsOfTheBatch(layers.Layer):
    def __init__(self):
        super().__init__(name="positions")
        self.table = self.add_weight(shape=(64, 1, WIDTH), initializer="normal")

    def call(self, x):
        return x + self.table[: ops.shape(x)[0]]  # as if x were (L, B, D)


@fault("batch", "positions")
def positions_along_the_batch():
    recurrent = layers.GRU(WIDTH, return_sequences=True)
    model = keras.Sequential([embedding(mask_zero=False), PositionsOfTheBatch()])
    model.add(recurrent)
    return model, ids(), {"causal": True}


@fault("batch", "norm")
def unit_vectors_of_the_batch():
    model = keras.Sequential([embedding(), layers.Dense(8)])
    model.add(layers.UnitNormalization(axis=0, name="norm"))
    return model, ids(), {}


class VisionTransformer(keras.Model):
    def __init__(self):
        super().__init__(name="vit")
        self.patch = layers.Dense(WIDTH, name="patch")
        self.token = self.add_weight(shape=(1, 1, WIDTH), initializer="normal")
        self.attention = layers.MultiHeadAttention(HEADS, 4, name="attention")
        self.norm, self.head = layers.LayerNormalization(), layers.Dense(10)

    def call(self, patches):
        x = self.patch(patches)
        rows, length = ops.shape(x)[:2]
        x = ops.concatenate([ops.tile(self.token, (rows, 1, 1)), x], axis=1)
        x = ops.reshape(x, (length + 1, rows, WIDTH))  # "batch second"
        x = ops.transpose(x, (1, 0, 2))
        x = self.norm(x + self.attention(x, x))
        return self.head(x[:, 0])


@fault("batch", "")
def vision_transformer_that_reshapes_instead_of_transposing():
    return VisionTransformer(), features(), {"pad_id": None}


class TimeMajor(keras.Model):
    def __init__(self):
        super().__init__(name="time_major")
        self.embed = embedding()
        self.gru = layers.GRU(WIDTH, return_sequences=True, name="gru")
        self.head = layers.Dense(VOCAB)

    def call(self, ids):
        x = ops.transpose(self.embed(ids), (1, 0, 2))
        return self.head(ops.transpose(self.gru(x), (1, 0, 2)))


@fault("batch", "gru")
def recurrence_over_rows():
    return TimeMajor(), ids(), {}


# randomness


class NoisyEmbedding(layers.Layer):
    def __init__(self):
        super().__init__(name="noisy")
        self.embed = embedding(mask_zero=True)
        self.seed = keras.random.SeedGenerator(3)

    def call(self, ids):
        return keras.random.dropout(self.embed(ids), 0.1, seed=self.seed)


@fault("inference", "noisy")
def functional_dropout_without_the_training_flag():
    token_ids = keras.Input((None,), dtype="int32")
    x = layers.LSTM(8, return_sequences=True)(NoisyEmbedding()(token_ids))
    return keras.Model(token_ids, x), ids(), {"causal": True}


class Tagger(keras.Model):
    def __init__(self):
        super().__init__(name="tagger")
        self.embed = embedding(mask_zero=True)
        self.drop = layers.SpatialDropout1D(0.3, name="spatial_dropout")
        self.rnn = layers.Bidirectional(layers.GRU(6, return_sequences=True))
        self.head = layers.Dense(5)

    def call(self, ids, training=False):
        x = self.drop(self.embed(ids), training=False)
        return self.head(self.rnn(x, training=training))


@fault("dropout", "spatial_dropout")
def dropout_switched_off_by_hand():
    return Tagger(), ids(), {}


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


def tagger(activation=None, loss=FROM_LOGITS, mask_zero=True):
    model = keras.Sequential(
        [
            embedding(mask_zero=mask_zero),
            layers.LSTM(WIDTH, return_sequences=True),
            layers.Dense(VOCAB, activation=activation, name="head"),
        ]
    )
    model.compile("adam", loss)
    return model


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
