"""The average of a run's last epochs (section 6.1)."""

from tf_transformer.training.averaging import average_checkpoints
from tf_transformer.training.callbacks import json_number
from tf_transformer.training.checkpoints import epoch_of
from tf_transformer.training.weights import save_weights


def add_average(config, run, model, valid, quality, keep_best) -> None:
    """Averages the weights of the last epochs and scores them like an epoch.

    The average is written to `average.weights.h5`. If it scores better than the best
    epoch, it becomes the best weights. A second call does nothing. A call that was
    interrupted can be repeated, because it reads only checkpoints.

    Args:
        config: The run's settings.
        run: The run's directory; its training has ended.
        model: The compiled model; afterwards it has the average as weights.
        valid: Validation batches.
        quality: The run's `TranslationQuality`, or `None`.
        keep_best: The run's `KeepBest` after the last epoch.
    """
    paths = run.last_checkpoints(config.average_last)
    epochs = [epoch_of(path) for path in paths]
    average = run.average()
    if len(epochs) <= 1 or (average is not None and average["epochs"] == epochs):
        return
    print(f"\nAverage of epochs {epochs[0]} to {epochs[-1]}:", flush=True)
    average_checkpoints(paths, model)
    scores = model.evaluate(valid, return_dict=True, verbose=0)
    logs = {f"val_{name}": float(value) for name, value in scores.items()}
    if quality is not None:
        quality.on_epoch_end(epochs[-1] - 1, logs)
    save_weights(model, run.average_weights)
    keep_best.set_model(model)
    best = keep_best.best
    is_best = keep_best.keep_if_better(epochs[-1] - 1, logs)
    value = logs[keep_best.monitor]
    print(
        f"{keep_best.monitor} {value:.4g}, best epoch {best:.4g}: "
        f"the {'average' if is_best else 'best epoch'} is kept.",
        flush=True,
    )
    scores = {name: json_number(score) for name, score in logs.items()}
    value = json_number(value)
    run.set_average({"epochs": epochs, "is_best": is_best, "value": value, **scores})
