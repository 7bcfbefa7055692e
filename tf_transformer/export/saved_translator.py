"""Translates with an exported SavedModel in Python."""

import json
import os
from pathlib import Path

import tensorflow as tf

from tf_transformer.utils.tensorflow_errors import failed_assertion


class SavedTranslator:
    """Translates texts with an exported folder.

    It needs only TensorFlow, not the code of the model.

    Args:
        path: A folder that `export_saved_model` wrote.

    Raises:
        FileNotFoundError: If it contains no SavedModel.
    """

    def __init__(self, path: str | os.PathLike):
        if not Path(path, "saved_model.pb").exists():
            raise FileNotFoundError(
                f"The folder contains no SavedModel. Expected {path}/saved_model.pb. "
                f"Received: {path}"
            )
        self.signatures = tf.saved_model.load(str(path)).signatures

    def __call__(self, texts: list[str]) -> list[str]:
        """Translates a list of texts, in their order.

        Raises:
            ValueError: If a text is longer than the model can read.
        """
        try:
            outputs = self.signatures["translate"](text=tf.constant(texts, tf.string))
        except tf.errors.InvalidArgumentError as error:
            problem = failed_assertion(error.message)
            if problem is None:
                raise
            raise ValueError(problem) from error
        return [text.decode() for text in outputs["translation"].numpy()]

    def info(self) -> dict:
        """The JSON object of the `info` signature."""
        return json.loads(self.signatures["info"]()["info"].numpy())
