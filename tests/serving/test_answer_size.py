"""An answer that is too large is refused before it is computed."""

import numpy as np
import pytest
import tensorflow as tf

from tf_transformer.serving import json_outputs
from tf_transformer.serving.errors import RequestError
from tf_transformer.serving.loaded_version import LoadedVersion

NUM_HEADS = 3


class Attention(tf.Module):
    """Weights of each byte to each byte, padded to the longest text, as `attend`."""

    def __init__(self):
        super().__init__()
        self.num_computed = tf.Variable(0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def attend(self, text):
        self.num_computed.assign_add(tf.size(text))
        size = tf.reduce_max(tf.strings.length(text))
        shape = [tf.size(text), NUM_HEADS, size, size]
        weights = tf.ensure_shape(tf.zeros(shape), [None, NUM_HEADS, None, None])
        return {"encoder": weights, "text": text}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    path = tmp_path_factory.mktemp("attention")
    module = Attention()
    tf.saved_model.save(module, str(path), {"attend": module.attend})
    return LoadedVersion("attention", 1, path)


@pytest.fixture
def signature(loaded):
    loaded._saved_model.num_computed.assign(0)
    return loaded.signatures["attend"]


def texts(*lengths):
    return {"text": np.array([b"x" * length for length in lengths], object)}


def num_computed(loaded):
    return int(loaded._saved_model.num_computed)


def test_only_the_longest_text_is_computed(loaded, signature, monkeypatch):
    lengths = (5, 11, 7, 2)
    size = 4 * (NUM_HEADS * 11 * 11 + 1)
    monkeypatch.setattr("tf_transformer.serving.signature.MAX_VALUES", size - 1)
    monkeypatch.setattr(json_outputs, "MAX_VALUES", size - 1)
    message = f"at most {size - 1} values. Received: {size}"
    with pytest.raises(RequestError, match=message):
        signature.check_answer_size(texts(*lengths))
    assert num_computed(loaded) == 1
    monkeypatch.setattr("tf_transformer.serving.signature.MAX_VALUES", size)
    signature.check_answer_size(texts(*lengths))
    outputs = signature(texts(*lengths))
    assert sum(array.size for array in outputs.values()) == size


def test_a_small_answer_is_not_computed_twice(loaded, signature):
    signature.check_answer_size(texts(5, 11, 7, 2))
    assert num_computed(loaded) == 0


def test_large_requests_are_refused_for_the_cost_of_one_text(loaded, signature):
    with pytest.raises(RequestError, match="The answer is too large"):
        signature.check_answer_size(texts(*[510] * 64))
    assert num_computed(loaded) == 1
