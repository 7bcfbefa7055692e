"""LayerNorm (section 3.1), and what else could stand in its place."""

import keras
from keras import ops

LAYER_NORM_EPSILON = 1e-6
BATCH_NORM_MOMENTUM = 0.9  # of the running statistics, for runs of hundreds of updates
GROUPS = 4
NORMALIZATIONS = ("layer", "rms", "group", "batch", "batch_with_padding", "none")


def make_normalization(kind, dtype, name):
    """Makes a normalization of vectors `(B, L, d_model)`.

    * "layer": LayerNorm of [Ba et al., 2016](https://arxiv.org/abs/1607.06450), the
      paper's: mean and variance over the width of each position. Epsilon 1e-6, as in
      the authors' code.
    * "rms": RMSNorm of [Zhang and Sennrich, 2019](https://arxiv.org/abs/1910.07467):
      divided by the root mean square of each position; no mean, no shift.
    * "group": GroupNorm of [Wu and He, 2018](https://arxiv.org/abs/1803.08494), each
      position by itself: mean and variance over a quarter of its width.
    * "batch": BatchNorm of
      [Ioffe and Szegedy, 2015](https://arxiv.org/abs/1502.03167): mean and variance of
      each feature over all real tokens of the batch. Padding is left out. In a
      decoder the statistics see the future; they are those of one replica.
    * "batch_with_padding": the same, with padding counted as if it were data.
    * "none": x itself.

    Differs from the paper: all but "layer".

    Args:
        kind: One of `NORMALIZATIONS`.
        dtype: Keras dtype policy.
        name: Name of the layer.

    Returns:
        A Keras layer, to be called by `normalize`.

    Raises:
        ValueError: If the kind is unknown.

    Example:

    >>> norm = make_normalization("layer", "float32", "norm")
    >>> x = ops.array([[[1.0, 3.0]]])
    >>> normalize(norm, x).numpy().round(3).tolist()
    [[[-1.0, 1.0]]]
    """
    arguments = {"epsilon": LAYER_NORM_EPSILON, "dtype": dtype, "name": name}
    if kind == "layer":
        return LayerNormalization(**arguments)
    if kind == "rms":
        return keras.layers.RMSNormalization(**arguments)
    if kind == "group":
        return PositionGroupNormalization(GROUPS, **arguments)
    if kind == "batch":
        return TokenBatchNormalization(momentum=BATCH_NORM_MOMENTUM, **arguments)
    if kind == "batch_with_padding":
        return keras.layers.BatchNormalization(
            momentum=BATCH_NORM_MOMENTUM, **arguments
        )
    if kind == "none":
        return keras.layers.Identity(dtype=dtype, name=name)
    raise ValueError(
        f"Unknown normalization. Expected one of {NORMALIZATIONS}. Received: {kind!r}"
    )


def normalize(norm, x, padding_mask=None, training=None):
    """Applies a layer of `make_normalization`.

    Args:
        norm: The layer.
        x: Tensor `(B, L, d_model)`.
        padding_mask: Optional bool tensor `(B, L)`, `True` = real token. Only
            BatchNorm looks at it, and only in training.
        training: Whether BatchNorm takes the batch's statistics, or its running ones.

    Returns:
        Tensor `(B, L, d_model)`.
    """
    if isinstance(norm, TokenBatchNormalization):
        return norm(x, padding_mask=padding_mask, training=training)
    if isinstance(norm, keras.layers.BatchNormalization):
        return norm(x, training=training)
    return norm(x)


@keras.saving.register_keras_serializable(package="tf_transformer")
class LayerNormalization(keras.layers.LayerNormalization):
    """Keras' LayerNorm; on TensorFlow with a gradient of half as many passes."""

    def call(self, inputs):
        if keras.backend.backend() != "tensorflow":
            return super().call(inputs)  # one kernel on PyTorch, one loop in XLA
        at_least = keras.backend.result_type(self.compute_dtype, "float32")
        x, gamma, beta = (
            ops.cast(tensor, at_least) for tensor in (inputs, self.gamma, self.beta)
        )
        y = _layer_norm(self.epsilon)(x, gamma, beta)
        return ops.cast(y, self.compute_dtype)


def _layer_norm(epsilon):
    """LayerNorm of `(..., D)`, with its gradient written out.

    With z = (x - mean) / deviation, y = gamma z + beta and g = gamma dL/dy:
    dL/dx = (g - mean(g) - z mean(g z)) / deviation.
    """

    @ops.custom_gradient
    def layer_norm(x, gamma, beta):
        centered = x - ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
        inverse = ops.rsqrt(variance + epsilon)
        z = centered * inverse

        def gradient(upstream):
            g = gamma * upstream
            along_z = ops.mean(g * z, axis=-1, keepdims=True)
            of_x = inverse * (g - ops.mean(g, axis=-1, keepdims=True) - z * along_z)
            axes = tuple(range(len(x.shape) - 1))
            return of_x, ops.sum(z * upstream, axes), ops.sum(upstream, axes)

        return z * gamma + beta, gradient

    return layer_norm


@keras.saving.register_keras_serializable(package="tf_transformer")
class TokenBatchNormalization(keras.layers.BatchNormalization):
    """BatchNorm with the statistics of real tokens; no mask hangs on its output."""

    def call(self, inputs, padding_mask=None, training=None):
        return super().call(inputs, training=training, mask=padding_mask)


@keras.saving.register_keras_serializable(package="tf_transformer")
class PositionGroupNormalization(keras.layers.GroupNormalization):
    """GroupNorm of each position by itself: Keras' own would mix all positions."""

    def call(self, inputs):
        rows = super().call(ops.reshape(inputs, (-1, inputs.shape[-1])))
        return ops.reshape(rows, ops.shape(inputs))
