"""Runs a model and stores the inputs and the output of each layer."""

import contextlib
import dataclasses
import functools
from typing import Any

import keras
import numpy as np

from tf_transformer.diagnosis.vocabulary import check_ids
from tf_transformer.utils.keras_compat import all_layers, implicit_mask, sub_layers


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of a layer.

    Args:
        layer: The layer, or an operation of a functional model.
        inputs: The tensors among its arguments, as arrays.
        output: Its first output, as an array. A recurrent layer that runs backwards
            returns its outputs in reverse; here they have the order of its inputs.
        states: Its other outputs `(B, D)`, such as the states of a recurrent layer.
        tensor: The same output, as a tensor.
        input_has_mask: Whether an input carried an implicit mask of Keras.
    """

    layer: Any
    inputs: list[np.ndarray]
    output: np.ndarray
    states: list[np.ndarray]
    tensor: Any
    input_has_mask: bool


@dataclasses.dataclass(frozen=True)
class Run:
    """The output of a model, and the calls of its layers, inner layers first.

    `hidden` are the identities of layers that were called where tensors have no values:
    in a function that is compiled or mapped over an axis.
    """

    output: np.ndarray
    tensor: Any
    calls: dict[tuple[int, int], Call]
    hidden: set[int]


def run_model(model, inputs, training=False, replace=None, restore=True) -> Run:
    """Calls a model and stores the calls of its layers.

    Args:
        model: A built Keras model.
        inputs: `Inputs`.
        training: Whether dropout is active. Defaults to `False`.
        replace: Optional function of a layer and its first output, which returns
            another output or `None`.
        restore: Whether to restore the model's state (see `state`) afterwards.
            Defaults to `True`.

    Returns:
        A `Run`.

    Raises:
        UnknownIds: If inputs are not in the vocabulary of the layer that takes them.
    """
    calls: dict[tuple[int, int], Call] = {}
    counts: dict[int, int] = {}
    hidden: set[int] = set()

    def wrap(layer, call):
        @functools.wraps(call)
        def traced(*args, **kwargs):
            tensors = [x for x in keras.tree.flatten((args, kwargs)) if is_tensor(x)]
            has_mask = any(implicit_mask(x) is not None for x in tensors)
            arrays = [x for x in map(as_array, tensors) if x is not None]
            check_ids(layer, arrays, inputs)
            outputs = call(*args, **kwargs)
            if replace is not None:
                outputs = _with_first(outputs, functools.partial(replace, layer))
            first = first_tensor(outputs)
            array = None if first is None else as_array(first)
            if array is None:
                hidden.add(id(layer))
            else:
                number = counts.get(id(layer), 0)
                counts[id(layer)] = number + 1
                if getattr(layer, "go_backwards", False) and array.ndim == 3:
                    array = array[:, ::-1]
                states = _states(outputs, first)
                calls[id(layer), number] = Call(
                    layer, arrays, array, states, first, has_mask
                )
            return outputs

        return traced

    kept = unchanged_state(model) if restore else contextlib.nullcontext()
    with kept, wrapped_calls(model, wrap):
        tensor = first_tensor(model(inputs.nested(), training=training))
    if tensor is None:
        raise ValueError("Expected a model that returns a tensor. Received: none")
    return Run(as_array(tensor), tensor, calls, hidden)  # pyright: ignore[reportArgumentType]


@contextlib.contextmanager
def wrapped_calls(model, wrap):
    """Replaces the method `call` of every layer inside the `with` statement.

    Args:
        model: A model.
        wrap: Function from a layer and its `call` to another `call`.
    """
    layers = operations(model)
    kept = {id(layer): vars(layer).get("call") for layer in layers}
    for layer in layers:
        vars(layer)["call"] = wrap(layer, layer.call)
    try:
        yield
    finally:
        for layer in layers:
            del vars(layer)["call"]
            if kept[id(layer)] is not None:
                vars(layer)["call"] = kept[id(layer)]


@contextlib.contextmanager
def unchanged_state(model):
    """Restores the model's state (see `state`) after the `with` statement."""
    states = state(model)
    try:
        yield
    finally:
        for variable, value in states:
            variable.assign(value)


def state(model) -> list[tuple]:
    """Pairs (variable, array) of moving averages, random states and similar state."""
    return [
        (variable, keras.ops.convert_to_numpy(variable))
        for variable in [*model.variables, *recurrent_states(model)]
        if not variable.trainable
    ]


def recurrent_states(model) -> list:
    """The states that recurrent layers keep from batch to batch.

    Keras does not list them among the variables of a model.
    """
    return [
        variable
        for layer in all_layers(model)
        if keeps_states(layer) and layer.states is not None
        for variable in keras.tree.flatten(layer.states)
    ]


def keeps_states(layer) -> bool:
    """Whether a recurrent layer starts from the states of the previous batch."""
    return isinstance(layer, keras.layers.RNN) and layer.stateful


def operations(model) -> list:
    """All layers of a model, and operations of functional models between them."""
    layers = {id(layer): layer for layer in all_layers(model)}
    for layer in list(layers.values()):
        for operation in getattr(layer, "operations", ()):
            layers.setdefault(id(operation), operation)
    inputs = keras.layers.InputLayer
    return [layer for layer in layers.values() if not isinstance(layer, inputs)]


def layer_names(model) -> dict[int, str]:
    """Names of all layers by their identity, such as "encoder/block_1/attention"."""
    names = {id(model): model.name}

    def visit(layer, prefix):
        # operations of functional models are not layers
        for inner in [*sub_layers(layer), *getattr(layer, "operations", ())]:
            if id(inner) not in names:
                names[id(inner)] = prefix + inner.name
                if isinstance(inner, keras.layers.Layer):
                    visit(inner, f"{prefix}{inner.name}/")

    visit(model, "")
    return names


def owners(model) -> dict[int, Any]:
    """The innermost layer of each variable, by the variable's identity."""
    layers = {}
    for layer in all_layers(model):  # outer layers come first
        for variable in layer.variables:
            layers[id(variable)] = layer
    return layers


def is_tensor(value) -> bool:
    """Whether a value is a tensor or an array."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def is_float(tensor) -> bool:
    """Whether a tensor contains floats."""
    return "float" in keras.backend.standardize_dtype(tensor.dtype)


def as_array(tensor) -> np.ndarray | None:
    """A tensor as an array, floats as float32; `None` for tensors without values."""
    try:
        array = np.asarray(keras.ops.convert_to_numpy(tensor))
    except Exception:  # inside a compiled function; each backend has its own error
        return None
    if array.dtype == object:
        return None
    is_float = "float" in str(array.dtype)
    return array.astype("float32") if is_float else array


def first_tensor(outputs):
    """The first tensor of a layer's outputs; of a dictionary, its logits."""
    if isinstance(outputs, dict) and "logits" in outputs:
        return outputs["logits"]
    return next(filter(is_tensor, keras.tree.flatten(outputs)), None)


def _states(outputs, first) -> list[np.ndarray]:
    others = [
        as_array(x)
        for x in keras.tree.flatten(outputs)
        if x is not first and is_tensor(x) and len(x.shape) == 2
    ]
    return [x for x in others if x is not None]


def _with_first(outputs, change):
    if not is_tensor(outputs):
        return outputs
    changed = change(outputs)
    return outputs if changed is None else changed
