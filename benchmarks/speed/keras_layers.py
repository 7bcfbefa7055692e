"""A model of Keras' layers, as in its guides; decoding has no cache."""

import sys

import keras
import numpy as np
import tensorflow as tf
from fitting import fit_in_turns
from keras import layers, ops
from turns import take_turns
from work import (
    BOS_ID,
    DROPOUT_RATE,
    FIRST_ID,
    LABEL_SMOOTHING,
    MODELS,
    PAD_ID,
    STEPS,
    VOCAB_SIZE,
    decoding_batches,
)

MAX_LENGTH = 128


class Embedding(layers.Layer):
    """Embeds ids and adds positions; tied to the output."""

    def __init__(self, d_model):
        super().__init__()
        self.scale = d_model**0.5
        self.vectors = layers.Embedding(VOCAB_SIZE, d_model)
        angles = np.arange(MAX_LENGTH)[:, None] / 10000 ** (
            np.arange(0, d_model, 2) / d_model
        )
        self.positions = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
        self.dropout = layers.Dropout(DROPOUT_RATE)

    def call(self, ids):
        positions = ops.cast(self.positions, "float32")[: ops.shape(ids)[1]]
        return self.dropout(self.vectors(ids) * self.scale + positions)

    def logits(self, states):
        return ops.matmul(states, ops.transpose(self.vectors.embeddings))


class Block(layers.Layer):
    """Self-attention, cross-attention to a memory if there is one, feed-forward."""

    def __init__(self, d_model, num_heads, d_ff, crosses):
        super().__init__()

        def attention():
            return layers.MultiHeadAttention(
                num_heads, d_model // num_heads, dropout=DROPOUT_RATE
            )

        self.attention, self.cross = attention(), attention() if crosses else None
        self.inner, self.outer = layers.Dense(d_ff, "relu"), layers.Dense(d_model)
        self.norms = [layers.LayerNormalization(epsilon=1e-6) for _ in range(3)]
        self.dropout = layers.Dropout(DROPOUT_RATE)

    def call(self, x, mask, memory=None):
        if self.cross is None:
            answer = self.attention(x, x, attention_mask=mask)
            x = self.norms[0](x + self.dropout(answer))
        else:
            answer = self.attention(x, x, use_causal_mask=True)
            x = self.norms[0](x + self.dropout(answer))
            answer = self.cross(x, memory, attention_mask=mask)
            x = self.norms[1](x + self.dropout(answer))
        return self.norms[2](x + self.dropout(self.outer(self.inner(x))))


class Model(keras.Model):
    """Model S or B."""

    def __init__(self, num_layers, d_model, num_heads, d_ff):
        super().__init__()
        self.embedding = Embedding(d_model)
        self.encoder, self.decoder = (
            [Block(d_model, num_heads, d_ff, crosses) for _ in range(num_layers)]
            for crosses in (False, True)
        )

    def encode(self, source_ids):
        """Memory, and the mask of its real tokens."""
        mask = ops.not_equal(source_ids, PAD_ID)[:, None, :]
        memory = self.embedding(source_ids)
        for block in self.encoder:
            memory = block(memory, mask)
        return memory, mask

    def decode(self, target_ids, memory, mask):
        """States of all positions."""
        x = self.embedding(target_ids)
        for block in self.decoder:
            x = block(x, mask, memory)
        return x

    # without the argument Keras would train without dropout
    def call(self, inputs, training=None):
        memory, mask = self.encode(inputs["source_ids"])
        return self.embedding.logits(self.decode(inputs["target_ids"], memory, mask))


def smoothed(labels, logits):
    """Keras' cross-entropy with label smoothing, over one-hot labels."""
    return keras.losses.categorical_crossentropy(
        ops.one_hot(labels, VOCAB_SIZE),
        logits,
        from_logits=True,
        label_smoothing=LABEL_SMOOTHING,
    )


def training(name: str) -> None:
    """Trains one epoch per turn."""
    keras.utils.set_random_seed(1)
    model = Model(**MODELS[name])
    adam = keras.optimizers.Adam(1e-4, 0.9, 0.98, 1e-9)
    model.compile(adam, loss=smoothed)
    fit_in_turns(model, name)


def decoding(folder: str, name: str, batch_size: str, beam_size: str) -> None:
    """Greedy search that computes the whole prefix again for each token."""
    model = Model(**MODELS[name])

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def translate(source_ids):
        memory, mask = model.encode(source_ids)
        written = tf.fill([tf.shape(source_ids)[0], 1], BOS_ID)
        for _ in tf.range(STEPS):
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[(written, tf.TensorShape([None, None]))]
            )
            last = model.decode(written, memory, mask)[:, -1]
            logits = model.embedding.logits(last)[:, FIRST_ID:]
            best = tf.argmax(logits, axis=-1, output_type=tf.int32) + FIRST_ID
            written = tf.concat([written, best[:, None]], axis=1)
        return written[:, 1:]

    batches = [tf.constant(ids) for ids in decoding_batches(name, int(batch_size))]

    def work():
        return {"tokens": sum(translate(ids).numpy().size for ids in batches)}

    model({"source_ids": batches[0], "target_ids": batches[0]})
    work()
    take_turns(work)


if __name__ == "__main__":
    {"training": training, "decoding": decoding}[sys.argv[1]](*sys.argv[2:])
