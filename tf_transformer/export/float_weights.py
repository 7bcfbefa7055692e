"""float32 matrices of layers that were quantized or adapted."""

import numpy as np
from keras import ops


def float_matrix(layer, name: str) -> np.ndarray:
    """The matrix that a layer multiplies by: dequantized, and with LoRA's change added.

    Args:
        layer: A built `keras.layers.Dense`, `Embedding` or `ReversibleEmbedding`.
        name: Name of its matrix, `"kernel"` or `"embeddings"`.

    Returns:
        float32 array.

    Raises:
        ValueError: If the layer is quantized to another type than int8, or is a
            quantized embedding with LoRA.

    Example:

    >>> import keras
    >>> dense = keras.layers.Dense(3)
    >>> dense.build((None, 2))
    >>> dense.quantize("int8")
    >>> float_matrix(dense, "kernel").dtype, dense.kernel.dtype
    (dtype('float32'), 'int8')
    """
    weights = {weight.name: weight for weight in layer.weights}
    matrix = _array(weights[name])
    if layer.quantization_mode == "int8":
        # one scale for each output of Dense, and for each row of an embedding
        scale = _array(weights[f"{name}_scale"])
        matrix = matrix / (scale if name == "kernel" else scale[:, None])
    elif layer.quantization_mode is not None:
        raise ValueError(
            "Weights of this quantization cannot be exported. Expected float weights "
            f"or int8. Received: {layer.quantization_mode} in {layer.path}"
        )
    if layer.lora_enabled and layer.quantization_mode and name == "embeddings":
        raise ValueError(
            "Keras does not apply LoRA to the logits of a quantized embedding, which "
            "is therefore not one matrix. Expected LoRA or quantization. Received: "
            f"both in {layer.path}"
        )
    if layer.lora_enabled:
        change = _array(weights[f"lora_{name}_a"]) @ _array(weights[f"lora_{name}_b"])
        matrix = matrix + layer.lora_alpha / layer.lora_rank * change
    return np.ascontiguousarray(matrix, dtype="float32")


def _array(weight) -> np.ndarray:
    return ops.convert_to_numpy(weight).astype("float32")
