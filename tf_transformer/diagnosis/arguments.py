"""Checks of the arguments of `doctor`."""

import inspect
import numbers

import keras


def check_model(model) -> None:
    """Checks that a model can be called as `model(inputs, training=False)`.

    Args:
        model: Any object.

    Raises:
        ValueError: If it is no Keras model, or takes its inputs as several arguments.

    Example:

    >>> check_model(lambda x: x)
    Traceback (most recent call last):
    ValueError: model must be a Keras model. Received: a value of the type function
    """
    if not isinstance(model, keras.layers.Layer):
        raise ValueError(
            "model must be a Keras model. "
            f"Received: a value of the type {type(model).__name__}"
        )
    others = list(inspect.signature(model.call).parameters.values())[1:]
    variable = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    required = [
        parameter.name
        for parameter in others
        if parameter.default is parameter.empty
        and parameter.kind not in variable
        and parameter.name != "training"
    ]
    if required:
        raise ValueError(
            "The model must take all its inputs as one argument: an array, or a "
            "dictionary, list or tuple of arrays. Received: a model whose call also "
            f"requires {', '.join(required)}"
        )


def check_pad_id(pad_id) -> None:
    """Checks that padding is a number or `None`.

    Args:
        pad_id: Any object.

    Raises:
        ValueError: Otherwise.
    """
    is_number = isinstance(pad_id, numbers.Real) and not isinstance(pad_id, bool)
    if pad_id is not None and not is_number:
        raise ValueError(
            f"pad_id must be a number, or None without padding. Received: {pad_id!r}"
        )


def check_training(loss, optimizer, sample_weight) -> None:
    """Checks the arguments of `doctor` that describe a training; `None` is allowed.

    Args:
        loss: Any object.
        optimizer: Any object.
        sample_weight: Any object.

    Raises:
        ValueError: If one has a wrong type, or the name of a loss is not known.
    """
    if loss is not None and not _is_loss(loss):
        raise ValueError(
            "loss must be the name of a Keras loss, a function or a "
            f"keras.losses.Loss. Received: loss={loss!r}"
        )
    if not isinstance(optimizer, keras.optimizers.Optimizer | None):
        raise ValueError(
            "optimizer must be a keras.optimizers.Optimizer. "
            f"Received: optimizer={optimizer!r}"
        )
    if sample_weight is not None and not callable(sample_weight):
        raise ValueError(
            "sample_weight must be a function from labels to sample weights. "
            f"Received: a value of the type {type(sample_weight).__name__}"
        )


def _is_loss(loss) -> bool:
    if not isinstance(loss, str):
        return callable(loss)
    try:
        return callable(keras.losses.get(loss))
    except ValueError:  # an unknown name
        return False
