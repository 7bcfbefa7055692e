"""Random example inputs, for models that declare their inputs."""

import keras
import numpy as np

from tf_transformer.diagnosis.vocabulary import vocabulary_size
from tf_transformer.models.sequence_model import SequenceModel
from tf_transformer.utils.keras_compat import all_layers

NUM_ROWS = 3
LENGTHS = (9, 8, 7, 6)


def random_inputs(model, pad_id=0):
    """Makes ids for a `SequenceModel`, a functional or a `Sequential` model.

    Args:
        model: A built Keras model.
        pad_id: Id of padding, which is not used. Defaults to 0.

    Returns:
        An array, or a dictionary or list of arrays, as the model takes them.

    Raises:
        ValueError: If the model's inputs are not known, or are not ids and masks.
    """
    if isinstance(model, SequenceModel):
        sizes = {
            "source_ids": model.vocab_size,
            "target_ids": model.target_vocab_size or model.vocab_size,
        }
        return {
            name: _ids((NUM_ROWS, length), size, pad_id, seed=length)
            for (name, size), length in zip(sizes.items(), LENGTHS, strict=False)
        }
    inputs = _symbolic_inputs(model)
    if inputs is None:
        raise ValueError(
            "The inputs of the model are not known. Expected example inputs; on the "
            f"command line, --inputs FILE. Received: {type(model).__name__}"
        )
    sizes = map(vocabulary_size, all_layers(model))
    vocab_size = min((size for size in sizes if size), default=0)
    return keras.tree.map_structure(lambda x: _like(x, vocab_size, pad_id), inputs)


def _symbolic_inputs(model):
    if isinstance(model, keras.Sequential) and model.built and model.inputs:
        return model.inputs[0]
    try:
        return model.input
    except (AttributeError, ValueError):
        return None


def _like(symbolic, vocab_size, pad_id) -> np.ndarray:
    if len(symbolic.shape) != 2 or not vocab_size:
        raise ValueError(
            "Only ids (B, L) of an Embedding can be generated. Expected example "
            f"inputs; on the command line, --inputs FILE. Received: {symbolic}"
        )
    # several inputs may have to be of one length
    length = symbolic.shape[1] or LENGTHS[0]
    shape = (NUM_ROWS, length)
    if "mask" in symbolic.name.lower() or symbolic.dtype == "bool":
        return np.ones(shape, symbolic.dtype)
    return _ids(shape, vocab_size, pad_id, seed=len(symbolic.name))


def _ids(shape, vocab_size, pad_id, seed) -> np.ndarray:
    ids = np.setdiff1d(np.arange(vocab_size), [] if pad_id is None else [pad_id])
    return np.random.default_rng(seed).choice(ids, shape).astype("int32")
