"""LoRA (low-rank adaptation): trains small changes of the dense layers only."""

import math

import keras

from tf_transformer.utils.keras_compat import all_layers

DENSE_LAYERS = (keras.layers.Dense, keras.layers.EinsumDense)


def add_lora(model: keras.Model, rank: int) -> None:
    """Adds a low-rank change to every dense layer and freezes all other weights.

    Section 4.1 of [LoRA](https://arxiv.org/abs/2106.09685) (Hu et al., 2021): the
    matrix W of a layer becomes W + A B, with `rank` columns in A. B is zero at first,
    so the model computes the same as before. Files of weights, which
    `model.save_weights` and `KeepBest` write, contain the sum, so that a model
    without LoRA can load them.

    Differs from the paper: all `Dense` and `EinsumDense` layers are changed, not only
    attention.

    Args:
        model: A built Keras model with trained weights. Compile it afterwards.
        rank: Integer. Columns of A.

    Raises:
        ValueError: If the model has no dense layer.

    Example:

    >>> import tf_transformer as tt
    >>> model = tt.Transformer(
    ...     vocab_size=29, num_layers=1, d_model=12, num_heads=3, d_ff=17
    ... )
    >>> add_lora(model, rank=2)
    808 of 4,022 parameters are trained.
    """
    layers = [x for x in all_layers(model) if isinstance(x, DENSE_LAYERS)]
    if not layers:
        raise ValueError(
            "The model has no layer for LoRA. Expected Dense or EinsumDense. "
            f"Received: {type(model).__name__} without one"
        )
    for layer in layers:
        layer.enable_lora(rank)
    changes = {id(m) for x in layers for m in (x.lora_kernel_a, x.lora_kernel_b)}
    for weight in model.trainable_variables:
        weight.trainable = id(weight) in changes
    trained = sum(math.prod(weight.shape) for weight in model.trainable_variables)
    print(f"{trained:,} of {model.count_params():,} parameters are trained.")
