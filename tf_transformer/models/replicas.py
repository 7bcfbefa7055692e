"""Checks at `compile` for settings that would make Keras compute wrong updates."""

import keras

from tf_transformer.utils.keras_compat import inner_optimizer, learning_rate_schedule

CLIPPING = ("clipnorm", "global_clipnorm", "clipvalue")
# class names: models do not import TensorFlow
UNSUPPORTED_STRATEGIES = {
    "CollectiveAllReduceStrategy": "MultiWorkerMirroredStrategy",
    "ParameterServerStrategyV1": "ParameterServerStrategy",
    "ParameterServerStrategyV2": "ParameterServerStrategy",
}


def check_compiled(model) -> None:
    """Raises an error if updates would differ from updates on one device.

    Args:
        model: A compiled `keras.Model`.

    Raises:
        ValueError: If schedule and optimizer count different updates, if
            several replicas would accumulate or clip gradients or run through XLA,
            or if Keras' `fit` does not work with the strategy.
    """
    optimizer = inner_optimizer(model.optimizer)
    strategy = getattr(model, "distribute_strategy", None)
    _check_schedule(optimizer)
    _check_distribution(strategy)
    num_replicas = getattr(strategy, "num_replicas_in_sync", 1)
    if num_replicas > 1:
        _check_replicas(optimizer, num_replicas, model.jit_compile)


def _check_schedule(optimizer) -> None:
    schedule = learning_rate_schedule(optimizer)
    expected = getattr(optimizer, "gradient_accumulation_steps", None) or 1
    received = getattr(schedule, "gradient_accumulation_steps", expected)
    if received != expected:
        raise ValueError(
            "The schedule counts other updates than the optimizer makes. Expected "
            f"gradient_accumulation_steps={expected} in both. Received: {received} "
            "in the schedule"
        )


def _check_distribution(strategy) -> None:
    names = {kind.__name__ for kind in type(strategy).__mro__}
    for name in names & set(UNSUPPORTED_STRATEGIES):
        raise ValueError(
            "Keras' fit does not work under this strategy. Expected one process with "
            "tf.distribute.MirroredStrategy, or keras.distribution on the JAX backend "
            f"for several. Received: {UNSUPPORTED_STRATEGIES[name]}"
        )
    distribution = keras.distribution.distribution()
    if distribution is not None and keras.backend.backend() == "tensorflow":
        raise ValueError(
            "On the TensorFlow backend keras.distribution does nothing. Expected "
            "tf.distribute.MirroredStrategy, or the JAX backend. Received: "
            f"{type(distribution).__name__}"
        )


def _check_replicas(optimizer, num_replicas, jit_compile) -> None:
    steps = getattr(optimizer, "gradient_accumulation_steps", None)
    if steps:
        raise ValueError(
            "Keras cannot accumulate gradients on several replicas. Expected "
            "gradient_accumulation_steps=None and larger batches, which the replicas "
            "share, or one device. Received: "
            f"gradient_accumulation_steps={steps} on {num_replicas} replicas"
        )
    for name in CLIPPING:
        value = getattr(optimizer, name, None)
        if value:
            raise ValueError(
                "Keras clips each replica's own gradients, before they are summed: "
                "that is another update than on one device. Expected no clipping, or "
                f"one device. Received: {name}={value} on {num_replicas} replicas"
            )
    if jit_compile:
        raise ValueError(
            "XLA cannot compile an update of several replicas. Expected "
            "jit_compile=False, or one device. "
            f"Received: jit_compile=True on {num_replicas} replicas"
        )
