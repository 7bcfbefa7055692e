"""Recurrent encoder and decoder."""

import keras
from keras import ops

from tf_transformer.layers.base import BaseLayer, check_rates, check_sizes, check_width
from tf_transformer.layers.masks import checked_padding_mask

CELLS = ("gru", "lstm")


def recurrent_cell(cell, units, **kwargs):
    """Makes a cell, which computes the output and the next state of one step.

    Args:
        cell: "gru" (appendix A.1.1 of
            [Bahdanau et al. 2015](https://arxiv.org/abs/1409.0473)) or "lstm"
            (Hochreiter & Schmidhuber 1997, with a forget gate).
        units: Integer. Width of the state.
        **kwargs: The arguments of `keras.layers.Layer`.

    Returns:
        A Keras cell.

    Raises:
        ValueError: For an unknown name.
    """
    if cell not in CELLS:
        raise ValueError(
            f"Unknown cell. Expected one of {', '.join(CELLS)}. Received: {cell!r}"
        )
    if cell == "lstm":
        return keras.layers.LSTMCell(units, **kwargs)
    # the reset gate acts on the state itself, as in the paper
    return keras.layers.GRUCell(units, reset_after=False, **kwargs)


class RecurrentStack(BaseLayer):
    """Base class of encoder and decoder: common arguments and dropout."""

    def __init__(self, *, num_layers, d_model, cell="gru", dropout_rate=0.0, **kwargs):
        super().__init__(**kwargs)
        check_sizes(num_layers=num_layers, d_model=d_model)
        check_rates(dropout_rate=dropout_rate)
        self.num_layers = num_layers
        self.d_model = d_model
        self.cell = cell
        self.dropout_rate = dropout_rate
        self.dropout = keras.layers.Dropout(
            dropout_rate, **self.sublayer_arguments("dropout")
        )

    def rnns(self, units, name, **arguments):
        """Makes one Keras RNN per layer; it runs as a loop on every device."""
        return [
            keras.layers.RNN(
                recurrent_cell(self.cell, units, **self.sublayer_arguments("cell")),
                return_sequences=True,
                **self.sublayer_arguments(f"{name}_{i}"),
                **arguments,
            )
            for i in range(self.num_layers)
        ]

    def get_config(self):
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "d_model": self.d_model,
            "cell": self.cell,
            "dropout_rate": self.dropout_rate,
        }


@keras.saving.register_keras_serializable(package="tf_transformer")
class RecurrentEncoder(RecurrentStack):
    """Bidirectional encoder: each state depends on both sides of a word.

    Section 3.2 of [Bahdanau et al. 2015](https://arxiv.org/abs/1409.0473).
    Section 3.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762) uses
    self-attention instead; here the path between two words is as long as their
    distance, and the steps cannot be computed in parallel (the paper's table 1).

    Padding leaves the state unchanged: the backward direction begins at the last real
    token.

    Args:
        num_layers: Integer. Number of layers.
        d_model: Integer. Width; each direction has half of it, so it must be even.
        cell: "gru" or "lstm". Defaults to `"gru"`.
        dropout_rate: Float in [0, 1). On the input of every layer. Defaults to 0.

    Call arguments:
        inputs: Tensor `(B, S, d_model)`.
        padding_mask: Optional bool tensor `(B, S)`, `True` = real token.
        training: Whether dropout is active.

    Returns:
        The states `(B, S, d_model)`, and the last states of each layer: lists of one
        (GRU) or two (LSTM) tensors `(B, d_model)`, both directions concatenated.

    Example:

    >>> encoder = RecurrentEncoder(num_layers=1, d_model=4)
    >>> real = ops.ones((2, 5), dtype="bool")
    >>> states, last = encoder(ops.ones((2, 5, 4)), real)
    >>> states.shape, last[0][0].shape
    (TensorShape([2, 5, 4]), TensorShape([2, 4]))

    Shape letters: B batch, S source length.
    """

    def __init__(self, *, num_layers, d_model, cell="gru", dropout_rate=0.0, **kwargs):
        super().__init__(
            num_layers=num_layers,
            d_model=d_model,
            cell=cell,
            dropout_rate=dropout_rate,
            **kwargs,
        )
        if d_model % 2:
            raise ValueError(
                "Each direction has half of the width, so d_model must be even. "
                f"Received: d_model={d_model}"
            )
        arguments = {"units": self.d_model // 2, "return_state": True}
        self.forward_layers = self.rnns(name="forward", **arguments)
        self.backward_layers = self.rnns(
            name="backward", go_backwards=True, **arguments
        )

    def build(self, input_shape):
        check_width(input_shape, self.d_model)
        for layer in (*self.forward_layers, *self.backward_layers):
            layer.build((*input_shape[:-1], self.d_model))
        self.built = True

    def call(self, inputs, padding_mask=None, training=None):
        x, last_states = inputs, []
        if padding_mask is not None:
            padding_mask = checked_padding_mask(padding_mask, inputs)
        for forward, backward in zip(
            self.forward_layers, self.backward_layers, strict=True
        ):
            x = self.dropout(x, training=training)
            after, *after_states = forward(x, mask=padding_mask)
            before, *before_states = backward(x, mask=padding_mask)
            # the backward layer's output is in its own order, last word first
            x = ops.concatenate([after, ops.flip(before, axis=1)], axis=-1)
            last_states.append(
                [
                    ops.concatenate(pair, axis=-1)
                    for pair in zip(after_states, before_states, strict=True)
                ]
            )
        return x, last_states

    def compute_output_shape(self, input_shape):
        num_states = 2 if self.cell == "lstm" else 1
        state_shape = (input_shape[0], self.d_model)
        last_states = [[state_shape] * num_states for _ in range(self.num_layers)]
        return input_shape, last_states


@keras.saving.register_keras_serializable(package="tf_transformer")
class RecurrentDecoder(RecurrentStack):
    """Recurrent decoder: it starts from the last states of the encoder.

    Section 2 of [Luong et al. 2015](https://arxiv.org/abs/1508.04025).
    Section 3.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762) uses
    masked self-attention instead; here no mask is needed, because later tokens have
    not been read.

    Args:
        num_layers: Integer. Number of layers.
        d_model: Integer. Width.
        cell: "gru" or "lstm". Defaults to `"gru"`.
        dropout_rate: Float in [0, 1). On the input of every layer. Defaults to 0.

    Call arguments:
        inputs: Tensor `(B, T, d_model)`.
        first_states: The initial states of each layer: lists of one (GRU) or two
            (LSTM) tensors `(B, d_model)`.
        training: Whether dropout is active.

    Returns:
        Tensor `(B, T, d_model)`.

    Example:

    >>> decoder = RecurrentDecoder(num_layers=1, d_model=4)
    >>> decoder(ops.ones((2, 3, 4)), [[ops.zeros((2, 4))]]).shape
    TensorShape([2, 3, 4])

    Shape letters: B batch, T target length, N hypotheses.
    """

    def __init__(self, *, num_layers, d_model, cell="gru", dropout_rate=0.0, **kwargs):
        super().__init__(
            num_layers=num_layers,
            d_model=d_model,
            cell=cell,
            dropout_rate=dropout_rate,
            **kwargs,
        )
        self.layers_in_order = self.rnns(self.d_model, name="layer")

    def build(self, inputs_shape, first_states_shape=None):
        check_width(inputs_shape, self.d_model)
        for layer in self.layers_in_order:
            layer.build((*inputs_shape[:-1], self.d_model))
        self.built = True

    def call(self, inputs, first_states, training=None):
        x = inputs
        for layer, states in zip(self.layers_in_order, first_states, strict=True):
            x = layer(self.dropout(x, training=training), initial_state=states)
        return x

    def step(self, inputs, states):
        """Computes one step of each hypothesis.

        Args:
            inputs: Tensor `(N, d_model)`.
            states: The states of each layer, tensors `(N, d_model)`.

        Returns:
            Tensor `(N, d_model)` and the next states.
        """
        x, next_states = inputs, []
        for layer, layer_states in zip(self.layers_in_order, states, strict=True):
            x, layer_states = layer.cell(x, layer_states)
            next_states.append(list(layer_states))
        return x, next_states

    def compute_output_shape(self, inputs_shape, first_states_shape=None):
        return inputs_shape

    def compute_output_spec(self, inputs, first_states, training=None):
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)
