"""The average of a run's last epochs (section 6.1)."""

from tf_transformer.training.averaging import average_checkpoints
from tf_transformer.utils.atomic import replacing


def average_last(config, run, model, valid, quality, keep_best) -> None:
    """Averages the weights of the last epochs and scores them like an epoch.

    They are kept as `average.weights.h5`; where they score better than the best
    epoch, they become the best weights. Done again it does nothing; it reads nothing
    but checkpoints, so that it can be stopped anywhere and begun anew.

    Args:
        config: The run's settings.
        run: The run's directory; its training has ended.
        model: The compiled model, which is left with the average.
        valid: Validation batches.
        quality: The run's `TranslationQuality`, or `None`.
        keep_best: The run's `KeepBest` after the last epoch.
    """
    paths = run.last_checkpoints(config.average_last)
    epochs = [int(path.stem.removeprefix("epoch-")) for path in paths]
    made = run.average()
    if len(epochs) == 1 or (made is not None and made["epochs"] == epochs):
        return
    print(f"\nAverage of epochs {epochs[0]} to {epochs[-1]}:", flush=True)
    average_checkpoints(paths, model)
    scores = model.evaluate(valid, return_dict=True, verbose=0)
    logs = {f"val_{name}": float(value) for name, value in scores.items()}
    if quality is not None:
        quality.on_epoch_end(epochs[-1] - 1, logs)
    with replacing(run.average_weights) as temporary:
        model.save_weights(temporary)
    keep_best.set_model(model)
    best = keep_best.best
    is_best = keep_best.keep_if_better(epochs[-1] - 1, logs)
    value = logs[keep_best.monitor]
    print(
        f"{keep_best.monitor} {value:.4g}, best epoch {best:.4g}: "
        f"the {'average is' if is_best else 'best epoch stays'} the best.",
        flush=True,
    )
    run.set_average({"epochs": epochs, "is_best": is_best, "value": value, **logs})
