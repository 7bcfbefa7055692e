"""Weights in a file: without the optimizer's state, and with a checksum."""

import os
from pathlib import Path

from keras import ops

from tf_transformer.utils.atomic import replacing
from tf_transformer.utils.checksum import DamagedFile, append_checksum, verify_checksum
from tf_transformer.utils.keras_compat import weights_in_memory
from tf_transformer.utils.processes import is_first_process, readable_variables


def save_weights(model, path: str | os.PathLike) -> None:
    """Writes a model's weights atomically, without the state of its optimizer.

    If there are several processes, only the first one writes. The file ends with a
    checksum, which `model.load_weights` ignores.

    Args:
        model: A built Keras model.
        path: A file that ends in `.weights.h5`.
    """
    if not is_first_process():
        return
    optimizer = getattr(model, "optimizer", None)
    skipped = [] if optimizer is None else [optimizer]
    with readable_variables(model.variables):
        contents = weights_in_memory(model, skipped)
    with replacing(path) as temporary:
        temporary.write_bytes(contents)
        append_checksum(temporary)


def load_weights(model, path: str | os.PathLike) -> None:
    """Reads weights that `save_weights` wrote, and checks them.

    Args:
        model: A built Keras model of the same kind.
        path: The file.

    Raises:
        DamagedFile: If the file is damaged.
        ValueError: If a weight is not finite, or the weights do not belong to the
            model.
    """
    path = Path(path)
    verify_checksum(path)
    try:
        model.load_weights(path)
    except Exception as error:  # a damaged file raises errors of any kind
        message = " ".join(str(error).split())[:300]
        raise DamagedFile(f"{path} cannot be read. Received: {message}") from error
    for weight in model.weights:
        is_finite = ops.all(ops.isfinite(ops.convert_to_tensor(weight)))
        if not ops.convert_to_numpy(is_finite):
            raise ValueError(
                f"{path} contains weights of a training that diverged. Expected finite "
                f"numbers. Received: non-finite values in {weight.path}"
            )
