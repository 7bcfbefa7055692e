"""Statistics of the layers during training, for TensorBoard."""

from collections import defaultdict
from pathlib import Path

import keras
from keras import ops

from tf_transformer.ids import PAD_ID
from tf_transformer.layers.intermediates import capture_intermediates
from tf_transformer.training.attention_statistics import attention_statistics


class Telemetry(keras.callbacks.Callback):
    """Writes statistics of the layers for TensorBoard, computed on a fixed batch.

    Every `every` updates it writes to the folder's event files:

        attention_score_std/<layer>    standard deviation of q . k / sqrt(d_k)
        attention_saturation/<layer>   share of queries with a weight above 0.99
        attention_entropy/<layer>      in nats, mean over queries and heads
        activation/<block>             root mean square of the block's output
        gradient/<block>               norm of the gradient of its weights

    Dropout is off for these statistics, and training is not affected. Each measurement
    costs one forward and one backward pass over the batch.

    Args:
        folder: Folder of the event files.
        batch: An element of the data: `(inputs, labels, weights)`.
        every: Integer. Number of updates between two points. Defaults to 100.

    Raises:
        ImportError: Without TensorFlow, which computes and writes the statistics.
        ValueError: If the Keras backend is not TensorFlow.
    """

    def __init__(self, folder: Path, batch, every: int = 100):
        super().__init__()
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                "Telemetry takes gradients with TensorFlow. Expected "
                f"KERAS_BACKEND=tensorflow. Received: {keras.backend.backend()}"
            )
        import tensorflow as tf

        self.every = every
        self.batch = keras.tree.map_structure(tf.constant, batch)
        self._tf = tf
        self._folder = str(folder)
        self.writer = self._new_writer()
        self._look = None

    def _new_writer(self):
        return self._tf.summary.create_file_writer(self._folder)

    def on_train_begin(self, logs=None):
        if self.writer is None:  # closed at the end of an earlier training
            self.writer = self._new_writer()
        self._look = self._tf.function(self._figures, autograph=False)
        self._last_update = int(self.model.optimizer.iterations.numpy())

    def on_train_batch_end(self, batch, logs=None):
        update = int(self.model.optimizer.iterations.numpy())
        if update == self._last_update or update % self.every:
            return
        self._last_update = update
        with self.writer.as_default(step=update):
            for name, value in self._look().items():
                self._tf.summary.scalar(name, value)

    def on_train_end(self, logs=None):
        self.writer.close()
        self.writer = None

    def _figures(self):
        inputs, labels, weights = self.batch
        variables = self.model.trainable_variables
        with self._tf.GradientTape() as tape, capture_intermediates() as captured:
            logits = self.model(inputs, training=False)
            loss = self.model.compute_loss(
                inputs, labels, logits, weights, training=False
            )
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        return {
            **_inside(captured, inputs),
            **_gradient_norms(variables, gradients),
        }


def _inside(captured, inputs) -> dict:
    figures = {}
    for layer, tensors in captured.items():
        name = layer.path.partition("/")[2]  # without the model's own name
        side = "source_ids" if name.startswith("encoder") else "target_ids"
        is_token = ops.not_equal(inputs[side], PAD_ID)
        if "weights" in tensors:
            statistics = attention_statistics(**tensors, is_query=is_token)
            for figure, value in statistics.items():
                figures[f"attention_{figure}/{name}"] = value
        else:
            rows = ops.cast(tensors["output"], "float32")
            counted = ops.cast(is_token, "float32")[..., None]
            num_numbers = ops.sum(counted) * rows.shape[-1]
            mean_square = ops.sum(counted * rows**2) / num_numbers
            figures[f"activation/{name}"] = ops.sqrt(mean_square)
    return figures


def _gradient_norms(variables, gradients) -> dict:
    squares = defaultdict(float)
    for variable, gradient in zip(variables, gradients, strict=True):
        # transformer/encoder/block_0/... -> encoder/block_0
        _, part, *inside = variable.path.split("/")
        in_stack = part in ("encoder", "decoder")
        block = f"{part}/{inside[0]}" if in_stack else part
        gradient = ops.cast(ops.convert_to_tensor(gradient), "float32")
        squares[block] += ops.sum(gradient**2)
    return {f"gradient/{block}": ops.sqrt(value) for block, value in squares.items()}
