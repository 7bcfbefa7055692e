"""The simpler simple recurrent unit, for decoders without self-attention."""

import keras
from keras import ops

from tf_transformer.layers.base import BaseLayer, check_sizes, check_width
from tf_transformer.layers.masks import checked_padding_mask

BLOCK_SIZE = 8


def linear_recurrence(decay, inputs):
    r"""Computes c_t = decay_t c_{t-1} + inputs_t for all t, with c_{-1} = 0.

    On JAX and PyTorch this is `ops.associative_scan`. On TensorFlow, the sequence is
    split into blocks of 8 positions. All blocks are computed in parallel; a parallel
    scan (Hillis and Steele, 1986) then combines their last states. T positions take
    8 + log2(T / 8) sequential steps. There is no division, so small decays stay
    exact. The gradient is the same recurrence in reverse:

        g_t = dL/dc_t + decay_{t+1} g_{t+1}
        dL/dinputs_t = g_t,  dL/ddecay_t = g_t c_{t-1}

    Args:
        decay: Tensor `(B, T, D)`.
        inputs: Tensor `(B, T, D)`.

    Returns:
        Tensor `(B, T, D)`.

    Example:

    >>> decay = ops.full((1, 3, 1), 0.5)
    >>> linear_recurrence(decay, ops.ones((1, 3, 1))).numpy().ravel().tolist()
    [1.0, 1.5, 1.75]

    Shape letters: B batch, T length, D width.
    """
    if keras.backend.backend() == "tensorflow":
        return _recurrence(decay, inputs)
    # custom gradients cannot be differentiated again on the other backends
    _, states = ops.associative_scan(_compose, (decay, inputs), axis=1)
    return states


def _compose(first, second):
    """Composes two steps c -> decay c + input into one."""
    (decay_1, input_1), (decay_2, input_2) = first, second
    return decay_1 * decay_2, decay_2 * input_1 + input_2


@ops.custom_gradient
def _recurrence(decay, inputs):
    states = _blockwise_scan(decay, inputs)

    def gradient(*arguments, upstream=None):
        upstream = arguments[0] if upstream is None else upstream
        next_decay = ops.pad(decay[:, 1:], [[0, 0], [0, 1], [0, 0]])
        reverse = _blockwise_scan(ops.flip(next_decay, 1), ops.flip(upstream, 1))
        d_inputs = ops.flip(reverse, 1)
        return d_inputs * _shifted(states), d_inputs

    return states, gradient


def _blockwise_scan(decay, inputs):
    batch_size, length, width = ops.shape(inputs)
    num_blocks = (length + BLOCK_SIZE - 1) // BLOCK_SIZE
    # the last block is filled up with copies of the last position
    positions = ops.minimum(ops.arange(num_blocks * BLOCK_SIZE), length - 1)
    shape = (batch_size, num_blocks, BLOCK_SIZE, width)
    decay, inputs = (
        ops.reshape(ops.take(x, positions, axis=1), shape) for x in (decay, inputs)
    )
    states, products = [inputs[:, :, 0]], [decay[:, :, 0]]  # (B, T / 8, D)
    for t in range(1, BLOCK_SIZE):
        states.append(decay[:, :, t] * states[-1] + inputs[:, :, t])
        products.append(decay[:, :, t] * products[-1])
    before = _shifted(_parallel_scan(products[-1], states[-1]))
    pairs = zip(states, products, strict=True)
    states = ops.stack([state + product * before for state, product in pairs], axis=2)
    shape = (batch_size, num_blocks * BLOCK_SIZE, width)
    return ops.reshape(states, shape)[:, :length]


def _parallel_scan(decay, inputs):
    length = ops.shape(inputs)[1]
    positions = ops.arange(length)

    def step(distance, products, states):
        exists = ops.reshape(positions >= distance, (1, -1, 1))
        earlier = ops.maximum(positions - distance, 0)
        products_before = ops.take(products, earlier, axis=1)
        states_before = ops.take(states, earlier, axis=1)
        states = states + ops.where(exists, products * states_before, 0)
        products = ops.where(exists, products * products_before, products)
        return 2 * distance, products, states

    distance = ops.ones((), positions.dtype)
    _, _, states = ops.while_loop(
        lambda distance, *_: distance < length, step, (distance, decay, inputs)
    )
    return states


def _shifted(x):
    return ops.pad(x, [[0, 0], [1, 0], [0, 0]])[:, :-1]


@keras.saving.register_keras_serializable(package="tf_transformer")
class SSRU(BaseLayer):
    r"""Simpler simple recurrent unit: a running mean whose weights depend on the input.

    [Kim et al., 2019](https://aclanthology.org/D19-5632), "From Research to
    Production and Back: Ludicrously Fast Neural Machine Translation":

        f_t = sigmoid(W_f x_t + b_f)
        c_t = f_t * c_{t-1} + (1 - f_t) * W x_t,  c_{-1} = 0
        h_t = relu(c_t)

    In a decoder it replaces self-attention: position t depends on positions 0 to t.
    Decoding keeps one vector c_t instead of the keys and values of all earlier
    positions. c_t is computed in float32 or better.

    Args:
        d_model: Integer. Width of input and output.

    Call arguments:
        inputs: Tensor `(B, T, d_model)`.
        padding_mask: Optional bool tensor `(B, T)`, `True` = real token. Padding
            leaves c_t unchanged.

    Returns:
        Tensor `(B, T, d_model)`.

    Raises:
        ValueError: If the inputs have another width, or the mask another shape.

    Example:

    >>> SSRU(d_model=4)(ops.ones((2, 3, 4))).shape
    TensorShape([2, 3, 4])

    Shape letters: B batch, T length.
    """

    def __init__(self, *, d_model, **kwargs):
        super().__init__(**kwargs)
        check_sizes(d_model=d_model)
        self.d_model = d_model
        self.input_dense = keras.layers.Dense(
            d_model, use_bias=False, **self.sublayer_arguments("input")
        )
        self.forget_dense = keras.layers.Dense(
            d_model, **self.sublayer_arguments("forget")
        )

    @property
    def state_dtype(self):
        """The dtype of c_t."""
        return keras.backend.result_type(self.compute_dtype, "float32")

    def build(self, input_shape):
        check_width(input_shape, self.d_model)
        self.input_dense.build(input_shape)
        self.forget_dense.build(input_shape)
        self.built = True

    def call(self, inputs, padding_mask=None):
        forget, new = self._gates(inputs)
        if padding_mask is not None:
            is_real = checked_padding_mask(padding_mask, inputs)[..., None]
            forget = ops.where(is_real, forget, 1)
            new = ops.where(is_real, new, 0)
        return self._output(linear_recurrence(forget, new))

    def step(self, inputs, state):
        """Computes one more position.

        Args:
            inputs: Tensor `(B, d_model)`.
            state: Tensor `(B, d_model)`, c_{t-1}; zeros at first.

        Returns:
            h_t and c_t, tensors `(B, d_model)`.
        """
        forget, new = self._gates(inputs)
        state = forget * state + new
        return self._output(state), state

    def _gates(self, inputs):
        # f_t and (1 - f_t) * W x_t; 1 - sigmoid(z) = sigmoid(-z) loses no digits
        z = ops.cast(self.forget_dense(inputs), self.state_dtype)
        x = ops.cast(self.input_dense(inputs), self.state_dtype)
        return ops.sigmoid(z), ops.sigmoid(-z) * x

    def _output(self, state):
        return ops.cast(ops.relu(state), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "d_model": self.d_model}
