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
        batch_size: Sentences translated at once. Defaults to 32.

    Raises:
        FileNotFoundError: If it contains no SavedModel.
    """

    def __init__(self, path: str | os.PathLike, batch_size: int = 32):
        if not Path(path, "saved_model.pb").exists():
            raise FileNotFoundError(
                f"The folder contains no SavedModel. Expected {path}/saved_model.pb. "
                f"Received: {path}"
            )
        self.path = path
        self.batch_size = batch_size
        self.signatures = tf.saved_model.load(str(path)).signatures

    def __call__(self, texts: list[str]) -> list[str]:
        """Translates a list of texts, in their order.

        Raises:
            ValueError: If a text is longer than the model can read.
        """
        translations = [""] * len(texts)
        # similar lengths together: a batch takes the steps of its longest translation;
        # the longest first, so that a text that is too long fails at once
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        for start in range(0, len(order), self.batch_size):
            group = order[start : start + self.batch_size]
            outputs = self._translate([texts[i] for i in group])
            for i, text in zip(group, outputs["translation"].numpy(), strict=True):
                translations[i] = text.decode()
        return translations

    def _translate(self, texts: list[str]) -> dict:
        try:
            encoded = [text.encode() for text in texts]
        except UnicodeEncodeError as error:
            raise ValueError(
                "A text cannot be read. Expected strings without lone surrogates. "
                f"Received: {error.object!r}"
            ) from error
        try:
            return self.signature("translate")(text=tf.constant(encoded, tf.string))
        except tf.errors.InvalidArgumentError as error:
            problem = failed_assertion(error.message)
            if problem is None:
                raise
            raise ValueError(problem) from error

    def info(self) -> dict:
        """The JSON object of the `info` signature."""
        return json.loads(self.signature("info")()["info"].numpy())

    def signature(self, name: str):
        """Returns a signature.

        Raises:
            ValueError: If there is none, as in the SavedModel of another program.
        """
        if name not in self.signatures:
            raise ValueError(
                f"The SavedModel has no signature {name}. Expected a folder that "
                f"tf-transformer export has written. Received: {self.path} with the "
                f"signatures {', '.join(sorted(self.signatures)) or 'none'}"
            )
        return self.signatures[name]
