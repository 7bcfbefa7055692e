"""Starts a run from the tokenizer and the best weights of another run."""

import dataclasses

from tf_transformer.runs.choices import DEFAULTS, DROPOUT_RATES
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.directory import RunDirectory

# settings that are inherited from the other run
INHERITED = (
    *("tokenizer", *DEFAULTS, "score", "num_encoder_layers", "num_decoder_layers"),
    *("d_model", "num_heads", "d_ff", "normalize_first"),
)


def with_inherited_settings(config: TrainingConfig, run: RunDirectory):
    """The config with the settings of the run that it starts from.

    Args:
        config: Settings of a run. Without `init_from`, they are not changed.
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
    other = _decisive_run(config, run).config()
    changes, contradicting = {}, []
    for name in INHERITED:
        value, inherited = getattr(config, name), getattr(other, name)
        if value is not None and value != inherited:
            contradicting.append(f"{name}={value!r} instead of {inherited!r}")
        changes[name] = inherited
    if contradicting:
        raise ValueError(
            "Tokenizer and model come from the run in init_from. Expected the "
            f"settings of {source.path}, or none. Received: {', '.join(contradicting)}"
        )
    return dataclasses.replace(config, **changes)


def inherited_arguments(config: TrainingConfig, run: RunDirectory) -> dict | None:
    """The arguments of the other run's model, or `None` without `init_from`.

    Args:
        config: Settings of a run; its dropout rates are used if they are set.
        run: The folder of the new run.
    """
    if config.init_from is None:
        return None
    arguments = _decisive_run(config, run).contents()["model"]
    for name in DROPOUT_RATES:
        if getattr(config, name) is not None:
            arguments[name] = getattr(config, name)
    return arguments


def _decisive_run(config: TrainingConfig, run: RunDirectory) -> RunDirectory:
    """The run that defines tokenizer and model: itself, once it has checkpoints."""
    is_new = run.latest_checkpoint() is None
    source = config.init_from
    return RunDirectory(source) if is_new and source is not None else run


def load_initial_weights(config: TrainingConfig, model) -> None:
    """Loads the best weights of the run in `init_from` into a new model.

    Raises:
        FileNotFoundError: If no epoch of that run has been finished yet.
        ValueError: If its weights are damaged.
    """
    if config.init_from is None:
        return
    source = RunDirectory(config.init_from)
    source.load_best_weights(model)
    print(
        f"Weights and tokenizer of {source.path}; peak learning rate {config.peak:g}."
    )
