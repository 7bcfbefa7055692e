"""Files are complete or absent; files of killed processes are removed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tf_transformer.utils.atomic import new_folder, read_json, replacing, write_json

ROOT = Path(__file__).parents[2]
WRITE_AND_WAIT = """
import sys
from tf_transformer.utils.atomic import replacing
with replacing(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print("ready", flush=True)
    sys.stdin.read()
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_temporary_folders_of_killed_processes_go_and_others_stay(tmp_path):
    command = [sys.executable, "-c", WRITE_AND_WAIT, str(tmp_path / "file")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        [abandoned] = names(tmp_path)
        with replacing(tmp_path / "other") as temporary:
            temporary.touch()
            assert abandoned in names(tmp_path)  # its process lives
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert names(tmp_path) == sorted([abandoned, "other"])
    with replacing(tmp_path / "file") as outer, replacing(tmp_path / "file") as inner:
        assert abandoned not in names(tmp_path)
        outer.write_text("outer")
        inner.write_text("inner")
    assert names(tmp_path) == ["file", "other"]
    assert (tmp_path / "file").read_text() == "outer"


def test_a_new_folder_appears_whole(tmp_path):
    with new_folder(tmp_path / "model" / "1") as temporary:
        (temporary / "weights").touch()
        assert not (tmp_path / "model" / "1").exists()
    assert names(tmp_path / "model") == ["1"]
    assert names(tmp_path / "model" / "1") == ["weights"]
    # a server may run as another user
    assert (tmp_path / "model" / "1").stat().st_mode & 0o777 == 0o755


def test_json_is_readable_and_has_no_numbers_that_are_none(tmp_path):
    path = tmp_path / "scores.json"
    write_json(path, {"언어": "한국어", "bleu": 1.5})
    assert "한국어" in path.read_text(encoding="utf-8")
    assert read_json(path) == {"언어": "한국어", "bleu": 1.5}
    for number in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON"):
            write_json(path, {"bleu": number})
    assert names(tmp_path) == ["scores.json"]
    assert read_json(path)["bleu"] == 1.5
