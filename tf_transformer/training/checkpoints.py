"""Checkpoint files: everything that is needed to resume training."""

import contextlib
import json
import re
import reprlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tf_transformer.utils.atomic import replacing
from tf_transformer.utils.checksum import (
    DamagedFile,
    append_checksum,
    verify_checksum,
)
from tf_transformer.utils.npz import NpzFile, open_npz
from tf_transformer.utils.processes import is_first_process, local_array

_NAME = re.compile(r"epoch-([0-9]+)(?:-update-([0-9]+))?\.npz")


def checkpoint_name(finished: int, update: int | None = None) -> str:
    """The name of a checkpoint's file.

    Args:
        finished: Number of finished epochs.
        update: Optional number of updates, for a checkpoint within the next epoch.

    Example:

    >>> checkpoint_name(3), checkpoint_name(3, 345)
    ('epoch-0003.npz', 'epoch-0003-update-00000345.npz')
    """
    within = "" if update is None else f"-update-{update:08d}"
    return f"epoch-{finished:04d}{within}.npz"


def checkpoint_files(folder: Path) -> list[Path]:
    """Returns the checkpoints in a folder, oldest first.

    Args:
        folder: The folder. It need not exist.
    """
    matches = {path: _NAME.fullmatch(path.name) for path in Path(folder).glob("*.npz")}
    places = {
        path: (int(match[1]), int(match[2] or 0))
        for path, match in matches.items()
        if match
    }
    return sorted(places, key=places.__getitem__)


def epoch_of(path: Path) -> int | None:
    """The number of finished epochs at whose end a checkpoint was made, or `None`."""
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match and match[2] is None else None


def save_checkpoint(path: Path, model, state: dict) -> None:
    """Writes all variables of a compiled model and a state, atomically.

    Weights, the optimizer's variables and the seeds of dropout are saved exactly, so
    that training resumes as if it had not been interrupted. The file ends with a
    checksum. If there are several processes, only the first one writes.

    Args:
        path: A file that ends in `.npz`.
        model: A compiled Keras model.
        state: A JSON serializable value.
    """
    if not is_first_process():
        return
    arrays: dict[str, Any] = {
        f"{i}:{variable.path}": local_array(variable)
        for i, variable in enumerate(_variables(model))
    }
    text = np.frombuffer(json.dumps(state).encode(), dtype="uint8")
    with replacing(path) as temporary:
        np.savez(temporary, state=text, **arrays)
        append_checksum(temporary)


def restore_checkpoint(path: Path, model) -> dict:
    """Restores the variables of a checkpoint and returns its state.

    Args:
        path: A file of `save_checkpoint`.
        model: A compiled model of the same kind.

    Raises:
        DamagedFile: If the file is damaged; the model is then unchanged.
        ValueError: If the file's variables do not belong to the model.
    """
    with _open_checkpoint(path) as arrays:
        state = _read_state(path, arrays)
        names = [name for name in arrays.names if name != "state"]
        variables = _variables(model)
        shapes = [arrays.read(name).shape for name in names]
        expected = [tuple(variable.shape) for variable in variables]
        if shapes != expected:
            raise ValueError(
                f"{path} belongs to another model. Expected {len(expected)} variables "
                f"of the model's shapes. Received: {len(shapes)} variables"
            )
        for name, variable in zip(names, variables, strict=True):
            variable.assign(arrays.read(name))
    return state


def weights_in(path: Path, model) -> Iterator[np.ndarray]:
    """Yields the weights in a checkpoint, in the order of `model.weights`.

    Args:
        path: A file of `save_checkpoint`.
        model: A model of the same kind, compiled or not.

    Raises:
        DamagedFile: If the file is damaged.
        ValueError: If the file's weights do not belong to the model.
    """
    variables = _model_variables(model)
    places = {id(variable): i for i, variable in enumerate(variables)}
    with _open_checkpoint(path) as arrays:
        names = [name for name in arrays.names if name != "state"]
        for weight in model.weights:
            place = places[id(weight)]
            array = arrays.read(names[place]) if place < len(names) else np.zeros(0)
            if array.shape != tuple(weight.shape):
                raise ValueError(
                    f"{path} belongs to another model. Expected {weight.path} of "
                    f"shape {tuple(weight.shape)}. Received: {array.shape}"
                )
            yield array


@contextlib.contextmanager
def _open_checkpoint(path: Path) -> Iterator[NpzFile]:
    """Opens a checkpoint after a check of its checksum."""
    verify_checksum(path)
    with open_npz(path) as arrays:
        if "state" not in arrays.names:
            raise ValueError(
                f"{path} is not a checkpoint. Expected the array state. "
                f"Received: {len(arrays.names)} others"
            )
        yield arrays


def _read_state(path: Path, arrays: NpzFile) -> dict:
    try:
        state = json.loads(arrays.read("state").tobytes())
    except (ValueError, RecursionError) as error:
        raise DamagedFile(
            f"{path} is damaged. Expected a state in JSON. Received: {error}"
        ) from error
    if not isinstance(state, dict):
        raise DamagedFile(
            f"{path} is damaged. Expected an object as state. Received: "
            f"{reprlib.repr(state)}"
        )
    return state


def _variables(model):
    optimizer = model.optimizer
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    return [*_model_variables(model), *optimizer.variables]


def _model_variables(model):
    metric_ids = {id(variable) for variable in model.metrics_variables}
    return [variable for variable in model.variables if id(variable) not in metric_ids]
