"""Small SavedModels from strings to strings."""

import tensorflow as tf

TEXT = tf.TensorSpec([None], tf.string, name="text")
X = tf.TensorSpec([None], tf.float32, name="x")


class HalfPlusTwo(tf.Module):
    """The toy of TensorFlow Serving's documentation."""

    @tf.function(input_signature=[X])
    def predict(self, x):
        return {"y": x / 2.0 + 2.0}


class Words(tf.Module):
    """What a translator's export looks like from outside, and some odd signatures.

    `translate` writes in capitals and adds the version, so that answers show which
    version gave them.
    """

    def __init__(self, version):
        super().__init__()
        self.version = tf.Variable(str(version))

    @tf.function(input_signature=[TEXT])
    def translate(self, text):
        translation = tf.strings.upper(text) + self.version
        return {"translation": translation, "score": _length(text)}

    @tf.function(input_signature=[TEXT])
    def together(self, text):
        """How many texts were computed at once, and how long the longest was."""
        ones = tf.ones_like(text, tf.int32)
        longest = tf.reduce_max(tf.strings.length(text))
        return {"number": ones * tf.size(text), "longest": ones * longest}

    @tf.function(input_signature=[TEXT])
    def picky(self, text):
        is_bad = tf.strings.regex_full_match(text, "bad.*")
        wanted = tf.debugging.Assert(
            tf.logical_not(tf.reduce_any(is_bad)), ["A bad text. Received:", 7]
        )
        with tf.control_dependencies([wanted]):
            return {"translation": tf.identity(text)}

    @tf.function(input_signature=[TEXT])
    def pieces(self, text):
        """Padded to the longest, as in `attend`."""
        return {"source": tf.strings.split(text).to_tensor()}

    @tf.function(input_signature=[TEXT, tf.TensorSpec([None], tf.string, "other")])
    def same(self, text, other):
        return {"score": tf.cast(text == other, tf.float32)}

    @tf.function(input_signature=[TEXT])
    def kinds(self, text):
        length = tf.strings.length(text)
        return {
            "is_long": length > 3,
            "long": tf.cast(length, tf.int64) * 2**40,
            "double": tf.cast(length, tf.float64) / 7,
            "ratio": _length(text) / tf.cast(length - length, tf.float32),
            "text_bytes": text,
        }

    @tf.function(input_signature=[TEXT])
    def slow(self, text):
        """Works for as long as a text says: about 1 to 5 seconds for 10000."""
        rounds = tf.reduce_max(tf.strings.to_number(text, tf.int32))
        matrix = tf.while_loop(
            lambda i, m: i < rounds,
            lambda i, m: (i + 1, tf.linalg.matmul(m, m) / 300.0),
            [0, tf.ones([300, 300])],
            parallel_iterations=1,
        )[1]
        return {"translation": text + tf.as_string(matrix[0, 0] > -1.0)}

    @tf.function(input_signature=[])
    def info(self):
        return {"info": '{"version": ' + self.version + "}"}


def _length(text):
    return tf.cast(tf.strings.length(text), tf.float32)


def save_half_plus_two(path):
    module = HalfPlusTwo()
    tf.saved_model.save(module, str(path), {"serving_default": module.predict})


def save_words(path, version):
    module = Words(version)
    names = (
        "translate",
        "together",
        "picky",
        "pieces",
        "same",
        "kinds",
        "slow",
        "info",
    )
    signatures = {name: getattr(module, name) for name in names}
    signatures["serving_default"] = module.translate
    tf.saved_model.save(module, str(path), signatures)
