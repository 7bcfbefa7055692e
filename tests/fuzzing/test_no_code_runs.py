"""Nothing in a loaded file runs, is fetched from elsewhere or lands elsewhere.

Each test plants a command, a file or a link that would leave a trace.
"""

import io
import json
import os
import tarfile
import zipfile

import h5py
import keras
import numpy as np
import pytest

from tests.export.toy_export import make_translator
from tests.fuzzing.foreign_folders import small_tokenizer
from tf_transformer.cli import main
from tf_transformer.importers.hugging_face_folder import read_torch
from tf_transformer.importers.npz_file import read_npz
from tf_transformer.importers.settings import parse_yaml, parse_yaml_vocabulary
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.training.checkpoints import restore_checkpoint
from tf_transformer.training.weights import load_weights, save_weights
from tf_transformer.utils.checksum import append_checksum

pytestmark = pytest.mark.needs_tensorflow


class Command:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.fixture
def canary(tmp_path):
    """The file that exists only if a planted command has run."""
    path = tmp_path / "canary"
    yield path
    assert not path.exists()


def small_model():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(optimizer="sgd", loss="mse")
    return model


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    found = RunDirectory(tmp_path_factory.mktemp("run"))
    translator = make_translator(tokenizer=small_tokenizer())
    config = TrainingConfig(architecture="transformer", preset="tiny")
    found.begin(config, translator.tokenizer, translator.model)
    save_weights(translator.model, found.best_weights)
    return found


def test_the_trap_works(tmp_path, canary):
    path = tmp_path / "a.npz"
    np.savez(path, a=np.array([Command(canary)], dtype=object))
    with np.load(path, allow_pickle=True) as arrays:
        arrays["a"]
    assert canary.exists()
    canary.unlink()


@pytest.mark.parametrize("has_checksum", [False, True])
def test_no_pickle_in_an_archive_of_arrays(tmp_path, canary, has_checksum):
    path = tmp_path / "epoch-0001.npz"
    array = np.array([Command(canary)], dtype=object)
    np.savez(path, state=array, a=array)
    if has_checksum:
        append_checksum(path)
    with pytest.raises(ValueError, match="Received: "):
        read_npz(path)
    with pytest.raises(ValueError, match="Received: state: object"):
        restore_checkpoint(path, small_model())


@pytest.mark.parametrize("form", ["archive", "legacy", "pickle", "tar"])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol 4")
def test_no_pickle_in_a_file_of_pytorch(tmp_path, canary, form):
    torch = pytest.importorskip("torch", reason="pip install 'tf_transformer[torch]'")
    path = tmp_path / "pytorch_model.bin"
    if form == "pickle":
        path.write_bytes(f"cos\nsystem\n(S'touch {canary}'\ntR.".encode())
    elif form == "tar":
        with tarfile.open(path, "w") as archive:
            for name in ("storages", "tensors", "pickle", "../canary"):
                archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    else:
        is_zip = form == "archive"
        torch.save({"a": Command(canary)}, path, _use_new_zipfile_serialization=is_zip)
    with pytest.raises(ValueError, match=r"pytorch_model\.bin cannot be read"):
        read_torch(path)


@pytest.mark.parametrize("parse", [parse_yaml, parse_yaml_vocabulary])
@pytest.mark.parametrize("tag", ["object/apply:os.system", "object/new:os.system"])
def test_no_tag_of_yaml_calls_a_function(canary, parse, tag):
    text = f"a: !!python/{tag} ['touch {canary}']\n"
    with pytest.raises(ValueError, match=r"x\.yml cannot be read"):
        parse(text, "x.yml")


@pytest.mark.parametrize(
    "changes",
    [
        {"activation": {"module": "os", "class_name": "function", "config": "system"}},
        {"activation": {"class_name": "__lambda__", "config": {"value": "x"}}},
        {"norm": "os.system"},
        {"norm": "keras.layers.os"},
        {"decoder": {"module": "subprocess", "class_name": "Popen"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_settings_of_a_run_name_no_code(run, changes):
    path = run.path / "config.json"
    whole = path.read_text()
    contents = json.loads(whole)
    contents["model"].update(changes)
    path.write_text(json.dumps(contents))
    try:
        with pytest.raises(ValueError, match=r"config\.json does not describe a model"):
            run.translator()
    finally:
        path.write_text(whole)


def test_a_lambda_of_a_keras_file_does_not_run(tmp_path, canary, capsys):
    path = tmp_path / "model.keras"
    command = f"touch {canary}"
    layer = keras.layers.Lambda(lambda x: x * (1 + __import__("os").system(command)))
    keras.Sequential([keras.Input((3,)), layer]).save(path)
    canary.unlink(missing_ok=True)  # the layer ran when it was built
    assert main(["doctor", str(path)]) == 1
    [line] = capsys.readouterr().err.strip().splitlines()
    assert "Lambda" in line and str(path) in line


@pytest.mark.filterwarnings("ignore:Skipping invalid path:UserWarning")
def test_members_of_a_keras_file_stay_in_it(tmp_path, canary):
    path = tmp_path / "folder" / "model.keras"
    path.parent.mkdir()
    small_model().save(path)
    with zipfile.ZipFile(path, "a") as archive:
        for name in ("../canary", "assets/../../canary", str(canary)):
            archive.writestr(name, "x")
    keras.saving.load_model(path)


def change_kernel(path, change):
    with h5py.File(path, "a") as file:
        group = file["layers/dense/vars"]
        del group["0"]
        change(group)


@pytest.mark.parametrize("kind", ["link", "storage", "soft link"])
def test_weights_are_read_from_their_own_file(tmp_path, kind):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = np.full((3, 2), 7, np.float32)
    path, model = tmp_path / "best.weights.h5", small_model()
    model.save_weights(path)
    change_kernel(path, lambda group: _put(group, kind, secret))
    before = model.layers[0].kernel.numpy()
    with pytest.raises(ValueError, match=r"weights\.h5 cannot be read.*Not allowed"):
        load_weights(model, path)
    np.testing.assert_array_equal(model.layers[0].kernel, before)


def _put(group, kind, secret):
    if kind == "link":
        group["0"] = h5py.ExternalLink(secret, "/x")
    elif kind == "soft link":
        group["0"] = h5py.SoftLink("/layers/dense/vars/1")
    else:
        place = [(str(secret), 2048, 24)]
        group.create_dataset("0", (3, 2), np.float32, external=place)


def test_weights_may_not_claim_terabytes(tmp_path):
    path, model = tmp_path / "best.weights.h5", small_model()
    model.save_weights(path)
    change_kernel(
        path,
        lambda group: group.create_dataset(
            "0", (2**20, 2**20), np.float32, chunks=(64, 64), fillvalue=1.0
        ),
    )
    with pytest.raises(ValueError, match=r"weights\.h5 cannot be read.*4\.00 TB"):
        load_weights(model, path)
