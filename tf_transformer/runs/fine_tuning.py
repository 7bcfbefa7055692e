"""Starts a run from the tokenizer and the best weights of another run."""

import dataclasses

from tf_transformer.runs.choices import DEFAULTS
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.directory import RunDirectory

# settings that the other run decides
INHERITED = (
    *("tokenizer", *DEFAULTS, "score", "num_encoder_layers", "num_decoder_layers"),
)


def with_inherited_settings(config: TrainingConfig, run: RunDirectory):
    """The config with the settings of the run that it starts from.

    Args:
        config: Settings of a run. Without `init_from` they stay as they are.
        run: The folder of the new run. Once it has checkpoints, the other run is no
            longer needed.

    Raises:
        FileNotFoundError: If `init_from` is not the folder of a run.
        ValueError: If a setting contradicts the other run's.
    """
    if config.init_from is None:
        return config
    source = RunDirectory(config.init_from)
    if source.path.resolve() == run.path.resolve():
        raise ValueError(
            "A run cannot start from itself. Expected another folder in init_from. "
            f"Received: {config.init_from}"
        )
    other = (source if run.latest_checkpoint() is None else run).config()
    changes, contradicting = {}, []
    for name in INHERITED:
        value, inherited = getattr(config, name), getattr(other, name)
        if value is not None and value != inherited:
            contradicting.append(f"{name}={value!r} instead of {inherited!r}")
        changes[name] = inherited
    if contradicting:
        raise ValueError(
            f"{source.path} decides the tokenizer and the model's sizes. Expected its "
            f"settings, or none. Received: {', '.join(contradicting)}"
        )
    return dataclasses.replace(config, **changes)


def load_initial_weights(config: TrainingConfig, model) -> None:
    """Gives a new model the best weights of the run that it starts from.

    Raises:
        FileNotFoundError: If no epoch of that run has been finished yet.
        ValueError: If that run's model has other sizes, or its weights are damaged.
    """
    if config.init_from is None:
        return
    source = RunDirectory(config.init_from)
    sizes, expected = model.arguments(), source.contents()["model"]
    different = [
        f"{name}={sizes.get(name)!r} instead of {value!r}"
        for name, value in expected.items()
        if name != "dropout_rate" and sizes.get(name) != value
    ]
    if different:
        raise ValueError(
            f"The model differs from the one of {source.path}. Expected the same "
            f"sizes. Received: {', '.join(different)}"
        )
    source.load_best_weights(model)
    print(f"Weights and tokenizer of {source.path}.")
