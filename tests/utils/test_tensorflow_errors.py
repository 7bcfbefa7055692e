"""TensorFlow's error messages are parsed correctly; a loaded SavedModel raises them."""

import pytest

from tf_transformer.utils.tensorflow_errors import failed_assertion, without_node_names

pytestmark = pytest.mark.needs_tensorflow
MESSAGE = "A text is too long. Expected [at most] 7. Received:"


@pytest.fixture
def error_of(tmp_path):
    """A function from a TensorFlow function and its argument to the error text."""
    import tensorflow as tf

    def error_of(function, argument):
        module = tf.Module()
        spec = tf.TensorSpec([], tf.constant(argument).dtype)
        module.call = tf.function(function, input_signature=[spec], autograph=False)
        tf.saved_model.save(module, str(tmp_path))
        with pytest.raises(tf.errors.OpError) as raised:
            tf.saved_model.load(str(tmp_path)).call(argument)
        return raised.value.message

    return error_of


def checked(length):
    import tensorflow as tf

    assertion = tf.debugging.Assert(length < 7, [MESSAGE, length])
    with tf.control_dependencies([assertion]):
        return tf.identity(length)


def test_a_failed_assertion_gives_its_text_and_number(error_of):
    message = error_of(checked, 31)
    assert "node" in message
    assert failed_assertion(message) == f"{MESSAGE} 31 tokens"
    assert without_node_names(message) == f"assertion failed: [{MESSAGE}] [31]"


def test_an_assertion_with_two_numbers_is_another_error():
    message = "assertion failed: [Received texts and translations:] [2] [3]"
    assert failed_assertion(message) is None


def test_another_error_is_no_failed_assertion(error_of):
    import tensorflow as tf

    message = error_of(tf.strings.to_number, "five")
    assert failed_assertion(message) is None
    expected = "StringToNumberOp could not correctly convert string: five"
    assert without_node_names(message) == expected
