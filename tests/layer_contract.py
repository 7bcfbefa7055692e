"""Checks of what every layer must do, as Keras' own layers do."""

import inspect
import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import ops

from tests.backend import BACKEND, dtype_of, in_graph
from tests.fast import FAST

SIZES = {
    "batch": 2,
    "source": 7,
    "target": 5,
    "num_heads": 3,
    "d_model": 12,
    "d_ff": 17,
    "vocab": 23,
    "target_vocab": 29,
    "num_layers": 2,
}


def layers_inside(layer):
    """The layer and every layer below it."""
    return list(layer._flatten_layers())


def random_inputs(call_shapes, num_ids=None, seed=1):
    """Values for each call argument: bool for masks, ids if `num_ids`, or floats."""
    random = np.random.default_rng(seed)
    inputs = {}
    for name, shape in call_shapes.items():
        if name.endswith("_mask"):
            inputs[name] = random.random(shape) < 0.7
        elif num_ids is not None:
            inputs[name] = random.integers(num_ids, size=shape, dtype="int32")
        else:
            inputs[name] = random.normal(size=shape).astype("float32")
    return inputs


def assert_layer_contract(
    layer_class, init_kwargs, call_shapes, output_shape, num_weights, num_ids=None
):
    """Runs every check of this file.

    Args:
        layer_class: The class.
        init_kwargs: Its arguments; give a dropout rate of at least 0.3 to have it
            checked that dropout acts.
        call_shapes: Shape of each call argument by name, in the order of `call`.
            Names that end with `_mask` are bool.
        output_shape: Expected shape of the output.
        num_weights: Expected number of weight tensors.
        num_ids: If the inputs are token ids, how many there are.
    """
    inputs = random_inputs(call_shapes, num_ids)
    _assert_takes_keywords_only(layer_class)
    layer = layer_class(**init_kwargs)
    _assert_config_comes_back(layer)
    assert init_kwargs.items() <= layer.get_config().items()
    _assert_build_reaches_every_child(layer, call_shapes, num_weights)
    _randomize(layer)
    output = _call(layer, inputs, training=False)
    assert output.shape == output_shape
    _assert_same_shape_and_numbers_in_graph(layer, inputs, output)
    _assert_dropout_obeys_training(layer, init_kwargs, inputs)
    # float16 has the smaller range
    policies = ("mixed_float16", "mixed_bfloat16")
    for policy in policies[: 1 if FAST and BACKEND != "tensorflow" else 2]:
        _assert_mixed_precision(layer, init_kwargs, inputs, policy)
    model = _functional_model(layer, inputs)
    _assert_file_gives_same_numbers(model, inputs, output)
    _assert_fit_moves_every_weight(model, layer, inputs, output_shape)


def _call(layer, inputs, training=None):
    """Calls with `training` only where the layer's `call` has it."""
    first, *others = inputs
    arguments = {name: inputs[name] for name in others}
    if layer._call_has_training_arg:
        arguments["training"] = training
    return layer(inputs[first], **arguments)


def _randomize(layer):
    """Zeros and ones of fresh weights would hide mistakes: all become random."""
    random = np.random.default_rng(2)
    for weight in layer.weights:
        weight.assign(weight + random.normal(scale=0.2, size=weight.shape))


def _assert_takes_keywords_only(layer_class):
    _, *parameters = inspect.signature(layer_class.__init__).parameters.values()
    assert {parameter.kind.name for parameter in parameters} <= {
        "KEYWORD_ONLY",
        "VAR_KEYWORD",
    }


def _assert_config_comes_back(layer):
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    assert again is not layer


def _assert_build_reaches_every_child(layer, call_shapes, num_weights):
    assert not layer.built
    layer.build(next(iter(call_shapes.values())))
    unbuilt = [child.name for child in layer._flatten_layers() if not _is_built(child)]
    assert unbuilt == []
    assert len(layer.weights) == num_weights
    # a weight that the first call would add was forgotten by build
    assert len({weight.path for weight in layer.weights}) == num_weights


def _is_built(layer):
    # Keras' Dropout has nothing to build and is marked at its first call
    return layer.built or isinstance(layer, keras.layers.Dropout)


def _assert_same_shape_and_numbers_in_graph(layer, inputs, output):
    num_weights = len(layer.weights)
    for batch_size in (len(next(iter(inputs.values()))), None):
        symbols = {
            name: keras.KerasTensor((batch_size, *value.shape[1:]), str(value.dtype))
            for name, value in inputs.items()
        }
        symbol = _call(layer, symbols)
        assert symbol.shape == (batch_size, *output.shape[1:])
        assert symbol.dtype == dtype_of(output)
        names = inspect.signature(layer.compute_output_shape).parameters
        shapes = [symbol.shape for symbol in symbols.values()][: len(names)]
        found = layer.compute_output_shape(*shapes)
        assert tuple(found) == (batch_size, *output.shape[1:])

    def call(values):
        ordered = {name: values[name] for name in inputs}  # JAX sorts dictionaries
        return _call(layer, ordered, training=False)

    graph_call = in_graph(call)
    np.testing.assert_allclose(graph_call(inputs), output, rtol=1e-5, atol=1e-5)
    assert len(layer.weights) == num_weights


def _assert_dropout_obeys_training(layer, init_kwargs, inputs):
    first = np.array(_call(layer, inputs, training=False))
    np.testing.assert_array_equal(first, _call(layer, inputs, training=False))
    np.testing.assert_array_equal(first, _call(layer, inputs))
    rates = [value for key, value in init_kwargs.items() if key.endswith("rate")]
    if any(rates):
        once = np.array(_call(layer, inputs, training=True))
        assert np.abs(once - first).max() > 1e-3
        assert np.abs(once - _call(layer, inputs, training=True)).max() > 1e-3


def _assert_mixed_precision(layer, init_kwargs, inputs, policy):
    mixed = type(layer)(**init_kwargs, dtype=policy)
    _assert_config_comes_back(mixed)
    mixed.build(next(iter(inputs.values())).shape)
    for ours, theirs in zip(mixed.weights, layer.weights, strict=True):
        assert ours.dtype == "float32"
        ours.assign(theirs)
    output = _call(mixed, inputs, training=False)
    dtype = policy.removeprefix("mixed_")
    assert dtype_of(output) == dtype
    full = np.array(_call(layer, inputs, training=False))
    output = np.array(ops.cast(output, "float32"))
    # some ten roundings, each relative to the largest number in play
    unit = {"float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
    assert np.abs(output - full).max() < 20 * unit * max(1.0, np.abs(full).max())


def _functional_model(layer, inputs):
    symbols = {
        name: keras.Input(value.shape[1:], dtype=str(value.dtype), name=name)
        for name, value in inputs.items()
    }
    return keras.Model(symbols, _call(layer, symbols))


def _assert_file_gives_same_numbers(model, inputs, output):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        again = keras.saving.load_model(path)
    numbers = again(inputs, training=False)
    np.testing.assert_allclose(numbers, output, rtol=1e-5, atol=1e-5)


def _assert_fit_moves_every_weight(model, layer, inputs, output_shape):
    if not layer.weights:
        return
    # The key's bias adds the same number to all scores of a query: softmax does not
    # see it, its gradient is 0.
    before = {
        weight.path: weight.numpy()
        for weight in layer.weights
        if not weight.path.endswith("key/bias")
    }
    targets = np.random.default_rng(3).normal(size=output_shape)
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    model.fit(inputs, targets, batch_size=output_shape[0], verbose=0)
    unmoved = [
        weight.path
        for weight in layer.weights
        if weight.path in before
        and np.abs(weight.numpy() - before[weight.path]).max() < 1e-7
    ]
    assert unmoved == []
