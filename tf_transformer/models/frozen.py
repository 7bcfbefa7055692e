"""Keeps the frozen parts of a model in its configuration."""

from tf_transformer.utils.keras_compat import (
    all_layers,
    inner_optimizer,
    optimized_weights,
)


def frozen_parts(model) -> dict[str, list[str]]:
    """The paths of the layers and weights inside a model that are not trained.

    A model with LoRA has none: its files contain the sums, and a loaded model is an
    ordinary one.

    Args:
        model: A built model.

    Returns:
        Dictionary of `"layers"` and `"weights"`, or an empty one. Paths begin below
        the model.
    """
    inner = _layers_inside(model)
    if any(getattr(layer, "lora_enabled", False) for layer in inner):
        return {}
    layers = [layer for layer in inner if not layer.trainable]
    weights = [weight for weight in model.weights if not weight.trainable]
    if not layers + weights:
        return {}
    return {
        "layers": [_path(layer, model) for layer in layers],
        "weights": [_path(weight, model) for weight in weights],
    }


def freeze(model, layers: list[str], weights: list[str]) -> None:
    """Freezes the layers and weights that `frozen_parts` has named.

    Args:
        model: A built model of the same configuration.
        layers: Paths of layers.
        weights: Paths of weights.
    """
    # outer layers first, since they change inner ones
    for layer in _layers_inside(model):
        trainable = _path(layer, model) not in layers
        if layer.trainable != trainable:
            layer.trainable = trainable
    for weight in model.weights:
        if _path(weight, model) in weights:
            weight.trainable = False


def check_trained(model) -> None:
    """Checks that the weights to train are those for which the model was compiled.

    Args:
        model: A model.

    Raises:
        ValueError: If `trainable` of a layer has changed since then.
    """
    optimizer = inner_optimizer(model.optimizer)
    if optimizer is None or not optimizer.built:
        return
    before, now = optimized_weights(optimizer), model.trainable_variables
    if {id(weight) for weight in before} != {id(weight) for weight in now}:
        raise ValueError(
            "Weights were frozen or unfrozen after `compile`. Expected `trainable` to "
            f"be set before it. Received: {len(now)} weights to train, {len(before)} "
            "in the optimizer"
        )


def _layers_inside(model) -> list:
    """The layers with weights."""
    return [layer for layer in all_layers(model)[1:] if layer.weights]


def _path(part, model) -> str:
    return part.path.removeprefix(f"{model.path}/")
