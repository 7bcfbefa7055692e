"""Token embedding (section 3.4): ids to vectors, and vectors to logits."""

import keras
from keras import ops

from tf_transformer.layers.base import BaseLayer, check_sizes
from tf_transformer.layers.token_ids import as_integers
from tf_transformer.utils.keras_compat import is_plain_graph


@keras.saving.register_keras_serializable(package="tf_transformer")
class TokenEmbedding(BaseLayer):
    r"""Turns token ids into vectors; its transpose turns vectors into logits.

    Section 3.4 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762):

        x      = E[ids] * sqrt(d_model)
        logits = y E^T

    or, with `output_bias`, y E^T + b. One matrix E serves both directions ("we share
    the same weight matrix"). Its initial values are samples of N(0, d_model^-1/2), so
    that the scaled vectors have variance 1 and the first logits are neither flat nor
    saturated. E is a `keras.layers.ReversibleEmbedding`, which also provides LoRA and
    quantization.

    Ids are never cast to the compute dtype: float ids, such as from
    `keras.Input((None,))`, stay exact in float16 and bfloat16. An id that is not in
    the vocabulary gives NaN, or an error where the backend reports one.

    Args:
        vocab_size: Integer. Number of tokens V, padding included.
        d_model: Integer. Width of the vectors.
        output_bias: Whether logits have a bias b `(V,)`, which the paper does not
            use. Defaults to `False`.

    Call arguments:
        inputs: Tensor of ids `(B, L)`, or with `reverse=True` a float tensor
            `(B, L, d_model)`.
        reverse: If `True`, compute logits. Defaults to `False`.
        transposed: Optional tensor E^T `(d_model, V)`, see `projection_arguments`.

    Returns:
        Tensor `(B, L, d_model)` in the compute dtype, or logits `(B, L, V)`, in float32
        or float64.

    Raises:
        ValueError: If the ids are strings.

    Example:

    >>> embedding = TokenEmbedding(vocab_size=11, d_model=4)
    >>> vectors = embedding(ops.array([[5, 9, 3]]))
    >>> vectors.shape, embedding(vectors, reverse=True).shape
    (TensorShape([1, 3, 4]), TensorShape([1, 3, 11]))

    Shape letters: B batch, L length, V vocabulary.
    """

    def __init__(self, *, vocab_size, d_model, output_bias=False, **kwargs):
        super().__init__(**{**kwargs, "autocast": False})
        check_sizes(vocab_size=vocab_size, d_model=d_model)
        self.vocab_size = vocab_size
        self.d_model = d_model
        self.use_output_bias = output_bias

    def build(self, input_shape=None):
        if self.built:
            return
        self.matrix = keras.layers.ReversibleEmbedding(
            self.vocab_size,
            self.d_model,
            embeddings_initializer=keras.initializers.RandomNormal(
                stddev=self.d_model**-0.5
            ),
            reverse_dtype=self.compute_dtype,
            dtype=self.dtype_policy,
            trainable=self.trainable,
            name="matrix",
        )
        self.matrix.build()
        if self.use_output_bias:
            self.output_bias = self.add_weight(
                name="output_bias", shape=(self.vocab_size,), initializer="zeros"
            )
        self.built = True

    @property
    def table(self):
        """The matrix E `(V, d_model)`; with LoRA, the sum of E and its change."""
        return self.matrix.embeddings

    @property
    def _logits_dtype(self):
        return keras.backend.result_type(self.compute_dtype, "float32")

    def projection_arguments(self):
        """Arguments that many calls with `reverse=True` share.

        In TensorFlow's plain graph each product with 16 rows or more would transpose E
        again.

        Returns:
            In a plain graph a dictionary with `"transposed"`; in other runtimes, and
            for a quantized E, an empty one.
        """
        if not is_plain_graph() or self.matrix.quantization_mode is not None:
            return {}
        return {"transposed": ops.transpose(ops.cast(self.table, self.compute_dtype))}

    def call(self, inputs, reverse=False, transposed=None):
        if reverse:
            if transposed is None:
                logits = self.matrix(inputs, reverse=True)
            else:
                logits = ops.matmul(ops.cast(inputs, transposed.dtype), transposed)
            logits = ops.cast(logits, self._logits_dtype)
            return logits + self.output_bias if self.use_output_bias else logits
        token_ids = as_integers(inputs)
        is_known = ops.logical_and(token_ids >= 0, token_ids < self.vocab_size)
        # compiled functions would silently read another row
        scale = ops.where(is_known, self.d_model**0.5, float("nan"))
        scale = ops.expand_dims(ops.cast(scale, self.compute_dtype), -1)
        return self._rows(token_ids) * scale

    def _rows(self, token_ids):
        if self.matrix.quantization_mode is not None:
            return ops.cast(self.matrix(token_ids), self.compute_dtype)
        # reshaping makes the gradient dense: TensorFlow's gradient of a gather has one
        # row per token, so clipping and optimizers would split repeated tokens
        table = ops.cast(self.table, self.compute_dtype)
        table = ops.reshape(table, table.shape)
        return ops.take(table, token_ids, axis=0)

    def enable_lora(self, rank, lora_alpha=None):
        """Freezes E and trains a low-rank change of it, in both directions.

        Args:
            rank: Integer. Rank of the change.
            lora_alpha: Optional number. The change is multiplied by
                `lora_alpha / rank`. Defaults to `rank`.

        Example:

        >>> embedding = TokenEmbedding(vocab_size=11, d_model=4)
        >>> embedding.build()
        >>> embedding.enable_lora(rank=2)
        >>> [tuple(weight.shape) for weight in embedding.trainable_weights]
        [(11, 2), (2, 4)]
        """
        if not self.built:
            raise ValueError(
                "LoRA needs the weights. Expected a layer that has been built. "
                "Received: built=False"
            )
        self.matrix.enable_lora(rank, lora_alpha=lora_alpha)

    def quantize(self, mode, type_check=True, config=None):
        """Quantizes E, as `keras.layers.ReversibleEmbedding` does.

        `model.quantize` includes E.

        Args:
            mode: `"int8"` or `"int4"`.
            type_check: Not used.
            config: Optional `keras.quantizers.QuantizationConfig`.
        """
        self.matrix.quantize(mode, config=config)

    def compute_output_shape(self, input_shape, reverse=False, transposed=None):
        if reverse:
            return (*input_shape[:-1], self.vocab_size)
        return (*input_shape, self.d_model)

    def compute_output_spec(self, inputs, reverse=False, transposed=None):
        return keras.KerasTensor(
            self.compute_output_shape(inputs.shape, reverse),
            dtype=self._logits_dtype if reverse else self.compute_dtype,
        )

    def get_config(self):
        config = super().get_config()
        del config["autocast"]  # always off
        return {
            **config,
            "vocab_size": self.vocab_size,
            "d_model": self.d_model,
            "output_bias": self.use_output_bias,
        }
