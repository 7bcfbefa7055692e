"""A full disk and a read-only folder: an error in one line, and nothing is lost."""

import os
import subprocess

import keras
import pytest

from tests.runs.test_updates import command
from tf_transformer import cli
from tf_transformer.runs import training
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.utils.checksum import verify_checksum

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Even though the .*run_functions_eagerly"),
]
UPDATES = "--validate-every", "2", "--telemetry", "2", "--max-updates"


@pytest.fixture
def disk(tmp_path):
    """A file system of 4 MiB, in which a run gets its folder."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.name != "posix" or os.geteuid() or subprocess.run(mount).returncode:
        pytest.skip("Only the administrator can mount a file system for this test.")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def train(tmp_path, disk, monkeypatch, capsys):
    """Function: trains up to a number of updates; exit code, lines of errors."""
    import tensorflow as tf

    from tests.runs.killed_runs import small_model

    monkeypatch.setattr(training, "make_model", small_model)
    tf.config.run_functions_eagerly(True)

    def train(updates, *more, path=disk / "run"):
        keras.utils.clear_session(free_memory=False)  # names count the models
        words = command(tmp_path, *UPDATES, str(updates), *more)
        words[words.index("--run") + 1] = str(path)
        capsys.readouterr()
        code = cli.main(words)
        return code, capsys.readouterr().err.splitlines()

    yield train
    tf.config.run_functions_eagerly(False)


def contents(folder):
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in paths}


def leave_free(disk, size):
    """Fills the disk with a file but for a number of bytes."""
    state = os.statvfs(disk)
    (disk / "other").write_bytes(bytes(state.f_bavail * state.f_frsize - size))


def test_a_full_disk_is_one_line_and_the_run_then_continues(train, disk, tmp_path):
    from tests.runs.killed_runs import differences, results

    assert train(6, path=tmp_path / "whole") == (0, [])
    assert train(2) == (0, [])
    run = RunDirectory(disk / "run")
    checkpoint = run.latest_checkpoint()
    before = checkpoint.read_bytes()
    places = [  # nothing, half the best weights, half a checkpoint
        (0, "config.json", ()),
        (run.best_weights.stat().st_size // 2, "best.weights.h5", ()),
        (len(before) // 2, "update-00000003.npz", ("--checkpoint-every", "1")),
    ]
    for free, name, more in places:
        leave_free(disk, free)
        code, [line] = train(6, *more)
        assert code == 1
        assert "No space left on device" in line and name in line
        (disk / "other").unlink()
        assert run.latest_checkpoint() == checkpoint
        assert checkpoint.read_bytes() == before
    verify_checksum(run.best_weights)
    assert train(6) == (0, [])
    assert differences(results(tmp_path / "whole"), results(run.path)) == []


def test_a_read_only_folder_is_one_line_and_nothing_changes(train, disk):
    assert train(2) == (0, [])
    before = contents(disk)
    assert len(before) > 5
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    for path in (disk / "run", disk / "new"):
        code, [line] = train(4, path=path)
        assert code == 1
        assert "Read-only file system" in line and str(disk) in line
    assert contents(disk) == before
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert train(4) == (0, [])


def test_a_damaged_config_or_tokenizer_is_one_line_and_nothing_changes(train, disk):
    assert train(2) == (0, [])
    for name in ("config.json", "tokenizer.model"):
        path = disk / "run" / name
        whole = path.read_bytes()
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes([whole[middle] ^ 4]) + whole[middle + 1 :]
        damaged = [whole[:middle], b""]
        for content in (*damaged, flipped) if name == "tokenizer.model" else damaged:
            path.write_bytes(content)
            before = contents(disk)
            code, [line] = train(4)
            assert code == 1 and str(path) in line
            assert contents(disk) == before
        path.write_bytes(whole)
    assert train(4) == (0, [])
