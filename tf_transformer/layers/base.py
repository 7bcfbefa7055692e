"""The base class of all layers, checks of arguments, and layer factories.

A factory is a class, or a function that returns a layer: `EncoderBlock(norm=...)` calls
it once for each sub-layer. A configuration stores its registered name.
"""

import math

import keras

from tf_transformer.layers.quantized import give_own_policies, quantized_dtype

KERAS_LAYERS = "keras.layers."


class BaseLayer(keras.layers.Layer):
    """A Keras layer whose sub-layers have its dtype policy, `autocast`, `trainable`.

    Args:
        **kwargs: The arguments of `keras.layers.Layer`.
    """

    def sublayer_arguments(self, name: str) -> dict:
        """Returns the arguments of `keras.layers.Layer` for a sub-layer.

        Args:
            name: Name of the sub-layer.

        Returns:
            Dictionary with `"dtype"`, `"name"`, and `"autocast"` and `"trainable"` if
            they are off.
        """
        arguments = {"dtype": self.dtype_policy, "name": name}
        switches = {"autocast": self.autocast, "trainable": self.trainable}
        return arguments | {key: False for key, is_on in switches.items() if not is_on}

    def make_sublayer(self, factory, name: str, **arguments):
        """Makes a sub-layer with a class or function that may not know `trainable`.

        Args:
            factory: Called with the arguments.
            name: Name of the sub-layer.
            **arguments: Further arguments.

        Returns:
            A new layer.
        """
        arguments |= self.sublayer_arguments(name)
        is_trained = arguments.pop("trainable", True)
        layer = factory(**arguments)
        if not is_trained:
            layer.trainable = False
        return layer

    def get_config(self):
        config = {**super().get_config(), **quantized_dtype(self)}
        return config if self.autocast else {**config, "autocast": False}

    def save_own_variables(self, store):
        give_own_policies(self)
        super().save_own_variables(store)


def build_sublayer(layer, *shapes, further=()) -> None:
    """Builds a layer, even if its class has no method `build`.

    Keras builds such a layer at its first call, so it is called symbolically.

    Args:
        layer: The layer.
        *shapes: The shapes of its inputs.
        further: The shapes of inputs that are not passed to `build`.

    Example:

    >>> layer = keras.layers.RMSNormalization()
    >>> build_sublayer(layer, (None, 7, 12))
    >>> layer.built
    True
    """
    if type(layer).build is keras.layers.Layer.build:
        shapes = (*shapes, *further)
        layer(*(keras.KerasTensor(shape, layer.compute_dtype) for shape in shapes))
    else:
        layer.build(*shapes)


def check_sizes(**sizes) -> None:
    """Checks that each size is an integer of at least 1.

    Args:
        **sizes: Sizes by argument name.

    Raises:
        ValueError: If a size is anything else.

    Example:

    >>> check_sizes(d_model=512, num_heads=8)
    """
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise ValueError(
                f"{name} must be an integer of at least 1. Received: {name}={size!r}"
            )


def check_width(input_shape, d_model) -> None:
    """Checks that the inputs of a layer have its width.

    A residual connection would broadcast inputs of width 1.

    Args:
        input_shape: Tuple `(..., width)`.
        d_model: Integer. The width of the layer.

    Raises:
        ValueError: If the width is known to be another.

    Example:

    >>> check_width((None, 7, 512), d_model=512)
    """
    if input_shape[-1] not in (None, d_model):
        raise ValueError(
            "The inputs have another width than the layer. Expected "
            f"(..., d_model) with d_model={d_model}. Received: shape={input_shape}"
        )


def check_rank(**tensors) -> None:
    """Checks that each input has the shape (batch, length, width).

    Args:
        **tensors: Tensors by argument name.

    Raises:
        ValueError: If one has another rank.

    Example:

    >>> check_rank(inputs=keras.KerasTensor((None, 7, 512)))
    """
    for name, tensor in tensors.items():
        if len(tensor.shape) != 3:
            raise ValueError(
                f"{name} must have the shape (batch, length, width); merge further "
                f"axes into the batch. Received: shape={tuple(tensor.shape)}"
            )


def check_rates(**rates) -> None:
    """Checks that each dropout rate is in [0, 1).

    Args:
        **rates: Rates by argument name.

    Raises:
        ValueError: If a rate is anything else.

    Example:

    >>> check_rates(dropout_rate=0.1)
    """
    for name, rate in rates.items():
        is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
        if not is_number or not 0 <= rate < 1:
            raise ValueError(
                f"{name} must be a number of at least 0 and below 1. "
                f"Received: {name}={rate!r}"
            )


def check_epsilon(epsilon) -> None:
    """Checks the epsilon of a normalization.

    Args:
        epsilon: A number, or `None` for the default of the normalization.

    Raises:
        ValueError: If it is not a finite number above 0.

    Example:

    >>> check_epsilon(1e-5)
    """
    is_number = isinstance(epsilon, int | float) and not isinstance(epsilon, bool)
    if epsilon is not None and not (is_number and 0 < epsilon < math.inf):
        raise ValueError(
            f"norm_epsilon must be a number above 0. Received: norm_epsilon={epsilon!r}"
        )


def layer_factory(factory):
    """Returns the class or function that a constructor received.

    Args:
        factory: A class or function that returns a layer, or its name in a
            configuration (see `factory_name`).

    Returns:
        The class or function.

    Raises:
        ValueError: If the name is not registered, or the value cannot be called.

    Example:

    >>> layer_factory("keras.layers.RMSNormalization").__name__
    'RMSNormalization'
    """
    layer_class = factory
    if isinstance(factory, str):
        if factory.startswith(KERAS_LAYERS):
            layer_class = getattr(
                keras.layers, factory.removeprefix(KERAS_LAYERS), None
            )
        else:
            layer_class = keras.saving.get_registered_object(factory)
        if layer_class is None:
            raise ValueError(
                "The class of a layer is not registered. Expected a class registered "
                "with keras.saving.register_keras_serializable, or passed in "
                f"custom_objects. Received: {factory!r}"
            )
    if not callable(layer_class) or isinstance(layer_class, keras.layers.Layer):
        raise ValueError(
            "Expected a class or a function that returns a layer, so that each block "
            f"gets its own layer. Received: {factory!r}"
        )
    return layer_class


def factory_name(factory) -> str:
    """Returns the name by which a configuration stores a class or function.

    Args:
        factory: A class or function that returns a layer.

    Returns:
        Its registered name, or `"keras.layers.NAME"` for Keras' own layers.

    Raises:
        ValueError: If it has no name, such as a lambda.

    Example:

    >>> factory_name(keras.layers.RMSNormalization)
    'keras.layers.RMSNormalization'
    """
    name = getattr(factory, "__name__", "<lambda>")
    if name == "<lambda>":
        raise ValueError(
            "A function without a name cannot be saved. Expected a class, or a "
            "function made with def, registered with "
            "keras.saving.register_keras_serializable. "
            f"Received: {factory!r}"
        )
    if getattr(keras.layers, name, None) is factory:
        return KERAS_LAYERS + name
    return keras.saving.get_registered_name(factory)
