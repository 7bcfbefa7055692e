"""Import: from the folder of another program to a translator."""

import os
from pathlib import Path

from tf_transformer.importers.foreign_model import ForeignModel
from tf_transformer.importers.hugging_face_folder import CONFIG, read_hugging_face
from tf_transformer.importers.marian_folder import read_marian
from tf_transformer.inference.translator import Translator


def read_model(path: str | os.PathLike) -> ForeignModel:
    """Reads a model of Marian or of Hugging Face's Marian.

    Args:
        path: A folder; for Marian also a .yml file in it that names `models` and
            `vocabs`. Nothing is downloaded.

    Raises:
        FileNotFoundError: If the folder or a file in it does not exist.
        ValueError: If a file is damaged, or the model cannot be imported.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            "There is no such folder; nothing is downloaded. Expected a folder of "
            f"Marian or of Hugging Face's Marian. Received: {path}"
        )
    is_hugging_face = (path / CONFIG).is_file()
    return read_hugging_face(path) if is_hugging_face else read_marian(path)


def import_translator(path: str | os.PathLike) -> Translator:
    """Makes a translator from a model of Marian or of Hugging Face's Marian.

    `docs/importing.md` lists which models can be imported.

    Args:
        path: As in `read_model`.

    Returns:
        A `Translator`; its model is a `Transformer` like any other.

    Raises:
        FileNotFoundError: If the folder or a file in it does not exist.
        ValueError: If a file is damaged, or the model cannot be imported.

    Example:

        import tf_transformer as tt

        translator = tt.import_translator("opus-mt-en-de")
        translator(["A dog sleeps."], beam_size=4)
    """
    return read_model(path).translator()
