"""Reads a folder of Marian: a model file, vocabularies, and optional .yml files."""

import reprlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tf_transformer.importers.binary_file import read_binary
from tf_transformer.importers.folder import only_file, required_file
from tf_transformer.importers.foreign_model import ForeignModel
from tf_transformer.importers.marian_settings import (
    SETTINGS,
    embedding_names,
    model_arguments,
)
from tf_transformer.importers.npz_file import read_npz
from tf_transformer.importers.settings import (
    parse_yaml,
    parse_yaml_vocabulary,
    unsupported,
)
from tf_transformer.importers.shortlist_file import read_shortlist
from tf_transformer.importers.vocabulary import (
    Special,
    Vocabularies,
    from_sentencepiece,
    from_separate_pieces,
    from_shared_pieces,
)
from tf_transformer.importers.weights import ForeignWeights

READERS = {".bin": read_binary, ".npz": read_npz}
QUANTIZATION = "_QuantMultA"  # multipliers of int8 activations


class MarianFiles(NamedTuple):
    """The files of a model."""

    model: Path
    source_vocabulary: Path
    target_vocabulary: Path


def find_files(path: Path) -> MarianFiles:
    """Finds the files of a model of Marian.

    A .yml file with `models` and `vocabs` names them. Without one, the folder must
    have one model, and one vocabulary or one for each side, under the names that
    Firefox Translations uses.

    Args:
        path: The folder, or a .yml file in it.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If there are several files of a kind, or an ensemble.
    """
    if path.is_file():
        return _named_files(path, parse_yaml(path.read_bytes(), path))
    parsed = {p: parse_yaml(p.read_bytes(), p) for p in _yml_files(path)}
    naming = [p for p, contents in parsed.items() if "models" in contents]
    if len(naming) > 1:
        raise ValueError(
            f"{path} contains several files that name a model. Expected one, or its "
            "path in place of the folder's. "
            f"Received: {', '.join(p.name for p in naming)}"
        )
    if naming:
        return _named_files(naming[0], parsed[naming[0]])
    model = only_file(path, "model*.bin", "model*.npz")
    if any(path.glob("srcvocab*.spm")):
        source = only_file(path, "srcvocab*.spm")
        return MarianFiles(model, source, only_file(path, "trgvocab*.spm"))
    vocabulary = only_file(path, "vocab*.spm")
    return MarianFiles(model, vocabulary, vocabulary)


def _yml_files(folder: Path) -> list[Path]:
    # the pieces of `vocab.en.yml` or `opus.vocab.yml` are no settings
    return [
        path
        for path in sorted(folder.glob("*.yml"))
        if not any(part.endswith("vocab") for part in path.name.split("."))
    ]


def _named_files(path: Path, contents: dict) -> MarianFiles:
    models, vocabs = contents.get("models"), contents.get("vocabs")
    for name, names, count in (("models", models, 1), ("vocabs", vocabs, 2)):
        names = names if isinstance(names, list) else []
        if len(names) != count or not all(isinstance(n, str) for n in names):
            raise ValueError(
                f"{path} does not name the files of one model. Expected {name}: "
                f"{count} names. Received: {reprlib.repr(contents.get(name))}"
            )
    return MarianFiles(*(_beside(path, name) for name in [*models, *vocabs]))


def _beside(path: Path, name: str) -> Path:
    # of a path on another machine, only the name of the file counts
    is_elsewhere = Path(name).is_absolute() and not Path(name).is_file()
    return required_file(path.parent, Path(name).name if is_elsewhere else name)


def read_marian(path: Path) -> ForeignModel:
    """Reads a model of Marian.

    Args:
        path: The folder, or a .yml file in it (see `find_files`).

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is damaged, or the model cannot be imported.
    """
    files = find_files(path)
    arrays = read_arrays(files.model)
    text = arrays.pop(SETTINGS).tobytes().rstrip(b"\0")
    settings = parse_yaml(text, files.model)
    arguments = model_arguments(settings, files.model)
    embeddings = embedding_names(settings, files.model)
    ignored = [name for name in arrays if name.endswith(QUANTIZATION)]
    vocabularies = _read_vocabularies(files, embeddings[0] == embeddings[1])
    shortlists = sorted(files.model.parent.glob("lex*.bin"))
    return ForeignModel(
        kind="marian",
        arguments=arguments,
        vocabularies=vocabularies,
        weights=ForeignWeights(arrays, files.model, ignored),
        embeddings=((embeddings[0],), (embeddings[1],)),
        # several files would belong to several models
        shortlist=read_shortlist(shortlists[0], vocabularies)
        if len(shortlists) == 1
        else None,
    )


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Reads the entries of a model file, including its settings.

    Raises:
        ValueError: If the file is damaged, of another form, or lacks its settings.
    """
    if path.suffix not in READERS:
        raise ValueError(
            "The model file has an unknown form. Expected .npz or .bin. Received: "
            f"{path}"
        )
    arrays = READERS[path.suffix](path)
    if SETTINGS not in arrays:
        raise ValueError(
            f"{path} lacks the model's settings. Expected the entry {SETTINGS}. "
            f"Received: {len(arrays)} others"
        )
    return arrays


def _read_vocabularies(files: MarianFiles, is_shared: bool) -> Vocabularies:
    try:
        return _vocabularies(files, is_shared)
    except ValueError as error:
        names = files.source_vocabulary, files.target_vocabulary.name
        raise ValueError(f"{' and '.join(map(str, names))}: {error}") from error


def _vocabularies(files: MarianFiles, is_shared: bool) -> Vocabularies:
    paths = files.source_vocabulary, files.target_vocabulary
    if all(path.suffix == ".spm" for path in paths):
        source, target = (path.read_bytes() for path in paths)
        if is_shared and source != target:
            raise unsupported(files.model, "tied-embeddings-all", True, (False,))
        return from_sentencepiece(source, None if is_shared else target)
    pieces = [parse_yaml_vocabulary(path.read_bytes(), path) for path in paths]
    source, target = (
        required_file(paths[0].parent, name).read_bytes()
        for name in ("source.spm", "target.spm")
    )
    special = Special(pad=None)
    if is_shared:
        return from_shared_pieces(pieces[0], source, target, special)
    return from_separate_pieces(pieces[0], pieces[1], source, target, special)
