"""Sentence pairs of very different lengths, and updates computed with plain tools."""

import keras
import numpy as np
from keras import ops

from tests.backend import BACKEND, variable_gradients
from tests.models.small_model import make_model
from tf_transformer.data.update_weights import UpdateWeights, mark_update

RATE = 0.5
# words are numbers: their own ids. Target tokens with the end: 10, 2, 5, 3, 8, 4
PAIRS = [
    ("5 9 17 22 4", "7 12 19 21 8 9 10 11 22"),
    ("6 11", "14"),
    ("18 4 9 20", "5 15 6 16"),
    ("13 13 7", "21 20"),
    ("8", "4 5 6 7 9 8 17"),
    ("19 6 10 5 21 7", "11 13 12"),
]
NUM_TOKENS = 32


class NumberTokenizer:
    """Ids are written as numbers; 3 is the end."""

    def encode_source(self, texts):
        return [[*map(int, text.split()), 3] for text in texts]

    encode_target = encode_source


def element(pairs, weight, width=12):
    """A batch as `fit` takes it, every real token with the same weight."""
    rows = NumberTokenizer().encode_source
    source_ids, labels = np.zeros((2, len(pairs), width), "int32")
    for row, (source, target) in enumerate(
        zip(*map(rows, zip(*pairs, strict=True)), strict=True)
    ):
        source_ids[row, : len(source)] = source
        labels[row, : len(target)] = target
    shifted = np.pad(labels, ((0, 0), (1, 0)), constant_values=2)[:, :-1]
    inputs = {"source_ids": source_ids, "target_ids": np.where(labels, shifted, 0)}
    return inputs, labels, np.float32(weight) * (labels != 0)


class Elements(keras.utils.PyDataset):
    """A list of batches for `fit` without TensorFlow."""

    def __init__(self, elements):
        super().__init__()
        self.elements = elements

    def __len__(self):
        return len(self.elements)

    def __getitem__(self, index):
        return self.elements[index]


def dataset(elements):
    """Batches of any shape for `fit`, whose weights are those of an update."""
    elements = [mark_update(element, 2) for element in elements]
    if BACKEND != "tensorflow":
        return Elements(elements)
    import tensorflow as tf

    ids = tf.TensorSpec((None, None), "int32")
    weights = tf.TensorSpec((None, None), "float32")
    signature = ({"source_ids": ids, "target_ids": ids}, ids, UpdateWeights(weights))
    made = tf.data.Dataset.from_generator(
        lambda: iter(elements), output_signature=signature
    )
    return made.apply(tf.data.experimental.assert_cardinality(len(elements)))


def one_layer_model(**changes):
    return make_model(num_layers=1, **changes)


def weights_after(updates, rate=RATE):
    """Gradient descent on the mean of all tokens of each update.

    An update is a list of elements; their losses are Keras' own, token by token, and
    no weights are used.
    """
    model = one_layer_model()
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction=None
    )
    for elements in updates:

        def loss(elements=elements):
            losses = [
                cross_entropy(labels[labels != 0], model(inputs)[labels != 0])
                for inputs, labels, _ in elements
            ]
            return ops.mean(ops.concatenate(losses, axis=0))

        gradients = variable_gradients(loss, model.trainable_variables)
        for variable, gradient in zip(
            model.trainable_variables, gradients, strict=True
        ):
            variable.assign_sub(rate * gradient)
    return model.get_weights()


def assert_same_weights(found, expected, atol=2e-6):
    """All weights equal the expected ones, with errors far below an update's size."""
    start = one_layer_model().get_weights()
    moved = max(np.abs(a - b).max() for a, b in zip(expected, start, strict=True))
    assert moved > 1e4 * atol
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=atol, rtol=1e-5)
