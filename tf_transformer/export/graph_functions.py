"""Functions of strings and of ids as TensorFlow graphs."""

import tensorflow as tf

from tf_transformer.inference.search import search
from tf_transformer.inference.settings import SearchSettings


def graph_function(function, *names: str):
    """A function of string tensors `(B,)` with these names, as a TensorFlow graph."""
    signature = [tf.TensorSpec([None], tf.string, name=name) for name in names]
    return tf.function(function, input_signature=signature, autograph=False)


def ids_function(function, *names: str):
    """A function of ids `(B, length)`, which is traced once for all its callers."""
    signature = [tf.TensorSpec([None, None], tf.int32, name=name) for name in names]
    return tf.function(function, input_signature=signature, autograph=False)


def search_function(model, settings: SearchSettings):
    """`search` as an `ids_function`."""
    return ids_function(lambda ids: search(model, ids, settings), "source_ids")
