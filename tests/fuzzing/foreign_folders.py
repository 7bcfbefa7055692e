"""Folders of other programs: one file changed, the others as they should be."""

import functools
import shutil

from tests.fuzzing.target import IN_FOLDER, Target, folder
from tf_transformer.importers.importing import read_model
from tf_transformer.importers.marian_folder import find_files
from tf_transformer.importers.marian_settings import (
    embedding_names,
    model_arguments,
)
from tf_transformer.importers.settings import parse_yaml

ERRORS = (ValueError, FileNotFoundError)


@functools.cache
def hugging_face():
    """A folder as our own export writes it."""
    from tests.export.toy_export import make_translator
    from tf_transformer.export.hugging_face import export_hugging_face

    path = folder("hugging-face")
    form = {"positions": "halves", "norm_epsilon": 1e-5, "start_id": 2}
    export_hugging_face(
        make_translator(tokenizer=small_tokenizer(), **form), path / "1"
    )
    return path / "1"


@functools.cache
def small_tokenizer():
    """A vocabulary without normalization rules, whose file is small."""
    from tf_transformer.data.tokenizer import Tokenizer

    pairs = [("a cat sat on the mat", "고양이가 앉았다"), ("a dog ran", "개가 달렸다")]
    return Tokenizer.train(
        pairs,
        vocab_size=290,
        source_normalization="identity",
        source_remove_extra_whitespaces=False,
    )


@functools.cache
def marian():
    from tests.importers.test_marian import write_folder

    path = folder("marian")
    write_folder(path, file="model.bin")
    return path


@functools.cache
def opus_marian():
    """A folder that a .yml file describes, with a vocabulary in YAML."""
    import json

    from tests.importers.hugging_face_folders import write_vocabularies

    path = folder("opus-marian")
    write_vocabularies(path)
    vocabulary = json.loads((path / "vocab.json").read_text())
    lines = [f"{json.dumps(piece)}: {row}\n" for piece, row in vocabulary.items()]
    (path / "opus.vocab.yml").write_text("".join(lines))
    shutil.copy(marian() / "model.bin", path)
    (path / "decoder.yml").write_text(
        "relative-paths: true\nmodels:\n  - model.bin\n"
        "vocabs:\n  - opus.vocab.yml\n  - opus.vocab.yml\n"
    )
    return path


def read_changed(make, name, data):
    """Reads a folder in which one file is another; restores it."""
    path = make() / name
    whole = path.read_bytes()
    path.write_bytes(data)
    try:
        read_model(make())
    finally:
        path.write_bytes(whole)


def build_changed(make, name, data):
    """Builds the model too."""
    path = make() / name
    whole = path.read_bytes()
    path.write_bytes(data)
    try:
        read_model(make()).translator()
    finally:
        path.write_bytes(whole)


def read_marian_settings(data):
    path = folder("settings") / "model.npz"
    settings = parse_yaml(data, path)
    model_arguments(settings, path)
    embedding_names(settings, path)


def read_marian_yml(data):
    path = opus_marian() / "decoder.yml"
    whole = path.read_bytes()
    path.write_bytes(data)
    try:
        find_files(path)
        find_files(opus_marian())
    finally:
        path.write_bytes(whole)


def seed_of(make, name):
    return [(make() / name).read_bytes()]


def settings_seeds():
    from tests.importers.marian_reference import settings

    forms = ({}, {"ssru": True}, {"pre_norm": True}, {"ties": "output"})
    return [settings(**form).encode() for form in forms]


def target(prefix, make, name, read=read_changed, **more):
    kind = "build" if read is build_changed else prefix
    return Target(
        f"{prefix}_{name.replace('.', '_')}" + ("_built" if kind == "build" else ""),
        functools.partial(read, make, name),
        functools.partial(seed_of, make, name),
        errors=ERRORS,
        in_error=IN_FOLDER,
        **more,
    )


TARGETS = [
    Target(
        "marian_settings",
        read_marian_settings,
        settings_seeds,
        in_error=IN_FOLDER,
    ),
    Target(
        "marian_yml",
        read_marian_yml,
        functools.partial(seed_of, opus_marian, "decoder.yml"),
        errors=ERRORS,
        in_error=IN_FOLDER,
    ),
    target("opus_marian", opus_marian, "opus.vocab.yml"),
    target("marian", marian, "vocab.ende.spm"),
    target("hugging_face", hugging_face, "config.json"),
    target("hugging_face", hugging_face, "vocab.json"),
    target("hugging_face", hugging_face, "source.spm"),
    target("hugging_face", hugging_face, "config.json", build_changed, is_slow=True),
    target("marian", marian, "model.bin", build_changed, is_slow=True),
]
