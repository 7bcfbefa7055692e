"""Residual connection with layer normalization and dropout (sections 3.1, 5.4)."""

import keras

from tf_transformer.layers.normalization import make_normalization, normalize


@keras.saving.register_keras_serializable(package="tf_transformer")
class Residual(keras.layers.Layer):
    """Carries x around a sub-layer, drops out its answer and normalizes.

    Sections 3.1 and 5.4 of
    [Attention Is All You Need](https://arxiv.org/abs/1706.03762):

        post-norm (the paper):  LayerNorm(x + Dropout(Sublayer(x)))
        pre-norm:               x + Dropout(Sublayer(LayerNorm(x)))

    It is used in two moves, before and after the sub-layer:

        y = sublayer(residual.before(x))
        x = residual(x, y)

    Differs from the paper: `normalize_first=True` (pre-norm) is an option; a stack of
    such blocks needs one more normalization at its end, which `Encoder` and `Decoder`
    add. `normalization` names another one in the place of LayerNorm.

    Args:
        dropout_rate: Float in [0, 1). Applied to the sub-layer's answer.
        normalize_first: `False` for post-norm, `True` for pre-norm.
        normalization: One of the kinds of `make_normalization`. Defaults to
            `"layer"`.

    Call arguments:
        inputs: Tensor `(B, L, d_model)`, the x that goes around.
        sublayer_output: Tensor `(B, L, d_model)`, the sub-layer's answer.
        padding_mask: Optional bool tensor `(B, L)`, `True` = real token: for BatchNorm.
        training: Whether dropout is active.

    Returns:
        Tensor `(B, L, d_model)`.

    Example:

    >>> residual = Residual(dropout_rate=0.1)
    >>> x = keras.ops.ones((1, 2, 4))
    >>> residual(x, 2 * residual.before(x)).shape
    TensorShape([1, 2, 4])

    Shape letters: B batch, L length.
    """

    def __init__(
        self, dropout_rate=0.0, normalize_first=False, normalization="layer", **kwargs
    ):
        super().__init__(**kwargs)
        self.dropout_rate = dropout_rate
        self.normalize_first = normalize_first
        self.normalization = normalization
        self.norm = make_normalization(normalization, self.dtype_policy, name="norm")
        self.dropout = keras.layers.Dropout(
            dropout_rate, dtype=self.dtype_policy, name="dropout"
        )

    def build(self, inputs_shape, sublayer_output_shape=None):
        self.norm.build(inputs_shape)
        self.built = True

    def before(self, inputs, padding_mask=None, training=None):
        """What the sub-layer sees: x, or LayerNorm(x) with pre-norm.

        Args:
            inputs: Tensor `(B, L, d_model)`.
            padding_mask: Optional bool tensor `(B, L)`: for BatchNorm.
            training: Whether BatchNorm takes the batch's statistics.

        Returns:
            Tensor `(B, L, d_model)`.
        """
        if not self.normalize_first:
            return inputs
        return normalize(self.norm, inputs, padding_mask, training)

    def call(self, inputs, sublayer_output, padding_mask=None, training=None):
        summed = inputs + self.dropout(sublayer_output, training=training)
        if self.normalize_first:
            return summed
        return normalize(self.norm, summed, padding_mask, training)

    def compute_output_shape(self, inputs_shape, sublayer_output_shape=None):
        return inputs_shape

    def get_config(self):
        return {
            **super().get_config(),
            "dropout_rate": self.dropout_rate,
            "normalize_first": self.normalize_first,
            "normalization": self.normalization,
        }
