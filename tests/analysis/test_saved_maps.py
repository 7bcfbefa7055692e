"""Maps of an exported folder, computed by its signature `attend`."""

import numpy as np
import pytest
import tensorflow as tf

from tf_transformer.analysis.saved_maps import attention_maps_of_saved_model

pytestmark = pytest.mark.needs_tensorflow

# for a text of n letters: n + 1 source tokens, 2 n target tokens, padded to the longest
N, H, LIMIT = 2, 3, 4


def rows_of(weights_seed, rows, keys):
    shape = (N, H, rows, keys)
    return np.random.default_rng(weights_seed).random(shape).astype("float32")


class Attending(tf.Module):
    """The contract of the signature, with made-up weights."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def attend(self, text):
        lengths = tf.cast(tf.strings.length(text), tf.int32)
        longest = tf.reduce_max(lengths)
        short = tf.debugging.Assert(
            longest <= LIMIT, ["A text is longer than 4. Received:", longest]
        )
        with tf.control_dependencies([short]):
            num_texts = tf.shape(text)[0]
        pieces = tf.strings.bytes_split(text)
        source = tf.concat([pieces, tf.fill([num_texts, 1], "</s>")], axis=1)
        target = tf.concat([pieces, source], axis=1)
        sizes = {
            "encoder": (longest + 1, longest + 1),
            "decoder": (2 * longest + 1, 2 * longest + 1),
            "cross": (2 * longest + 1, longest + 1),
        }
        weights = {
            kind: tf.reshape(
                tf.range(tf.cast(num_texts * N * H * rows * keys, tf.float32)),
                [num_texts, N, H, rows, keys],
            )
            for kind, (rows, keys) in sizes.items()
        }
        return {"source": source.to_tensor(), "target": target.to_tensor(), **weights}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("export") / "1")
    module = Attending()
    tf.saved_model.save(module, path, signatures={"attend": module.attend})
    return path


@pytest.mark.moderate
def test_maps_are_cut_to_each_text(folder):
    maps = attention_maps_of_saved_model(folder, ["abc", "d"])
    whole = Attending().attend(tf.constant(["abc", "d"]))
    assert maps[0].source == ("a", "b", "c", "</s>")
    assert maps[1].target == ("d", "d", "</s>")
    assert maps[1].read == ("<s>", "d", "d")
    for i, text_maps in enumerate(maps):
        for kind in ("encoder", "decoder", "cross"):
            rows, keys = len(text_maps.queries(kind)), len(text_maps.keys(kind))
            expected = whole[kind][i, :, :, :rows, :keys]
            np.testing.assert_array_equal(text_maps.weights(kind), expected)
    assert maps[1].cross.shape == (N, H, 3, 2)


def test_many_texts_are_asked_for_in_groups(folder):
    texts = ["ab"] * 33 + ["abcd"]
    maps = attention_maps_of_saved_model(folder, texts)
    assert [len(text_maps.source) - 1 for text_maps in maps] == [len(t) for t in texts]


@pytest.mark.moderate
def test_what_cannot_be_shown_is_refused(folder, tmp_path):
    with pytest.raises(ValueError, match="longer than 4. Received: 5 tokens"):
        attention_maps_of_saved_model(folder, ["a", "abcde"])
    with pytest.raises(ValueError, match="blank"):
        attention_maps_of_saved_model(folder, ["a", " "])
    with pytest.raises(FileNotFoundError, match="saved_model.pb"):
        attention_maps_of_saved_model(tmp_path, ["a"])
    module = Attending()
    other = str(tmp_path / "2")
    tf.saved_model.save(module, other, signatures={"translate": module.attend})
    with pytest.raises(ValueError, match="signature attend. Received: .*translate"):
        attention_maps_of_saved_model(other, ["a"])
