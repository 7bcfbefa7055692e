"""The paper's optimizer (section 5.3)."""

import keras
from keras import ops

from tf_transformer.utils.keras_compat import AverageOfUpdates, adam_moments

_KerasAdam = keras.optimizers.Adam
if keras.backend.backend() == "torch":
    # on JAX and PyTorch, Keras' own class updates all weights at once
    _KerasAdam = type(keras.optimizers.Adam())


@keras.saving.register_keras_serializable(package="tf_transformer")
class Adam(AverageOfUpdates, _KerasAdam):  # pyright: ignore
    r"""Keras' Adam with the paper's constants; on TensorFlow, one pass per weight.

    Section 5.3 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762);
    [Kingma and Ba, 2014](https://arxiv.org/abs/1412.6980). For update t and gradient g:

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        w = w - rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)

    The updates equal the updates of `keras.optimizers.Adam`, which on TensorFlow reads
    each weight a dozen times, and treats the tokens of one id in a
    `keras.layers.Embedding` as separate gradients; here they are added up. Differs from
    Keras: with `use_ema` and `gradient_accumulation_steps`, the moving average takes
    one step for each update, not for each batch.

    Args:
        learning_rate: Float or schedule, such as `TransformerSchedule`.
        beta_1: Float. Defaults to 0.9.
        beta_2: Float. Defaults to the paper's 0.98.
        epsilon: Float. Defaults to the paper's 1e-9.
        **kwargs: Other arguments of `keras.optimizers.Adam`.

    Example:

    >>> optimizer = Adam(1e-3)
    >>> optimizer.beta_2, optimizer.epsilon
    (0.98, 1e-09)
    """

    def __init__(
        self, learning_rate=0.001, beta_1=0.9, beta_2=0.98, epsilon=1e-9, **kwargs
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)  # pyright: ignore

    def update_step(self, gradient, variable, learning_rate):
        if keras.backend.backend() != "tensorflow" or self.amsgrad:
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        m, v = adam_moments(self, variable)
        dtype = variable.dtype
        t = ops.cast(self.iterations + 1, dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=m.value.handle,
            v=v.value.handle,
            beta1_power=ops.power(ops.cast(self.beta_1, dtype), t),
            beta2_power=ops.power(ops.cast(self.beta_2, dtype), t),
            lr=ops.cast(learning_rate, dtype),
            beta1=ops.cast(self.beta_1, dtype),
            beta2=ops.cast(self.beta_2, dtype),
            epsilon=ops.cast(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
        )
