"""Models with a fault of heads, of the batch or of dropout."""

import keras
from keras import ops

from tests.diagnosis import parts
from tests.diagnosis.parts import LENGTH, VOCAB, WIDTH, ids

MODELS = []
fault = parts.faults(MODELS)


# heads and scales


@fault("attention", "attention (Attention)")
def scores_divided_by_the_root_of_the_whole_width():
    return parts.Encoder(scale=WIDTH**-0.5), ids(), {}


@fault("attention", "attention (Attention)")
def heads_split_without_transpose():
    return parts.Encoder(split=False, allowed=ops.ones_like), ids(), {"pad_id": None}


@fault("attention", "attention (Attention)")
def heads_merged_without_transpose():
    return parts.Encoder(merge=False), ids(), {}


# batch


@fault("batch", "reshape")
def batch_mixed_by_a_reshape():
    def make(x, _):
        shape = ops.shape(x)
        # time first needs a transpose
        y = ops.reshape(x, (shape[1], -1, WIDTH))
        y = keras.layers.GRU(WIDTH, return_sequences=True)(y)
        return x + ops.reshape(y, (-1, shape[1], WIDTH))

    return parts.functional(make, length=LENGTH), ids(), {"pad_id": None}


@fault("batch", "batch_norm")
def batch_normalization_over_the_batch_at_hand():
    class OverBatch(keras.layers.Layer):
        def call(self, x):
            return x - ops.mean(x, axis=0, keepdims=True)

    return parts.sequential(OverBatch(name="batch_norm")), ids(), {}


class Always(keras.layers.Layer):
    """Calls a layer with one value of `training`, whatever its own is."""

    def __init__(self, layer, training):
        super().__init__(name="block")
        self.layer, self.training = layer, training

    def call(self, x, training=None):
        return self.layer(x, training=self.training)


@fault("inference", "block/batch_normalization")
def batch_normalization_in_training_mode():
    layer = keras.layers.BatchNormalization(name="batch_normalization")
    return parts.sequential(Always(layer, True)), ids(), {}


# dropout


@fault("inference", "block/dropout")
def dropout_at_inference():
    layer = keras.layers.Dropout(0.5, name="dropout")
    return parts.sequential(Always(layer, True)), ids(), {}


@fault("dropout", "block/dropout")
def dropout_never_active():
    layer = keras.layers.Dropout(0.5, name="dropout")
    return parts.sequential(Always(layer, False)), ids(), {}


@fault("dropout", "forgotten")
def dropout_never_called():
    class Forgetful(keras.Model):
        def __init__(self):
            super().__init__()
            self.embedding = keras.layers.Embedding(VOCAB, WIDTH)
            self.forgotten = keras.layers.Dropout(0.1, name="forgotten")

        def call(self, ids):
            return self.embedding(ids)

    return Forgetful(), ids(), {}
