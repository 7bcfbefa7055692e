"""The attention of an exported model."""

import os
from collections.abc import Sequence
from pathlib import Path

from tf_transformer.analysis.maps import KINDS, AttentionMaps, cut
from tf_transformer.utils.tensorflow_errors import failed_assertion

_TEXTS_AT_ONCE = 32
_PADDING = ("", "<pad>")


def attention_maps_of_saved_model(
    path: str | os.PathLike, texts: Sequence[str]
) -> list[AttentionMaps]:
    """Translates texts with an exported model and returns its attention.

    Only the signature `attend` is used, not the code of the model.

    Args:
        path: A folder that `export_saved_model` wrote.
        texts: Source sentences.

    Returns:
        Maps of pieces, one for each text.

    Raises:
        FileNotFoundError: If the folder contains no SavedModel.
        ValueError: If the model has no such signature, or a text is blank or too long.
    """
    if not Path(path, "saved_model.pb").exists():
        raise FileNotFoundError(
            f"The folder contains no SavedModel. Expected {path}/saved_model.pb. "
            f"Received: {path}"
        )
    if not all(text.strip() for text in texts):
        raise ValueError(
            "A blank text has no attention. Expected texts with words. "
            f"Received: {list(texts)}"
        )
    import tensorflow as tf

    signatures = tf.saved_model.load(str(path)).signatures
    if "attend" not in signatures:
        raise ValueError(
            "The exported model returns no attention: it was exported by an "
            f"earlier version. Expected the signature attend. Received: {path} with "
            f"{', '.join(sorted(signatures))}"
        )
    maps = []
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        group = tf.constant(list(texts[start : start + _TEXTS_AT_ONCE]), tf.string)
        try:
            outputs = signatures["attend"](text=group)
        except tf.errors.InvalidArgumentError as error:
            problem = failed_assertion(error.message) or error.message.splitlines()[0]
            raise ValueError(problem) from error
        weights = {kind: outputs[kind].numpy() for kind in KINDS if kind in outputs}
        sources, targets = _pieces(outputs["source"]), _pieces(outputs["target"])
        maps += cut(weights, sources, targets)
    return maps


def _pieces(rows) -> list[list[str]]:
    decoded = [[piece.decode() for piece in row] for row in rows.numpy()]
    return [[piece for piece in row if piece not in _PADDING] for row in decoded]
