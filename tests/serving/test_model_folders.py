"""Folders that are missing, broken, not finished or no models."""

import asyncio
import json
import os
import shutil
import time

import pytest

from tests.serving.model_answers import answer, refresh, states
from tf_transformer.serving.errors import RequestError
from tf_transformer.serving.folder import (
    FoundModel,
    find_models,
    is_settled,
    last_change,
)
from tf_transformer.serving.models import Models


@pytest.mark.moderate
@pytest.mark.parametrize("how", ["missing", "empty", "file"])
def test_a_temporarily_missing_folder_unloads_nothing(models, add, folder, how):
    add("words/2")
    refresh(models)
    with models.lease("words") as loaded:
        pass
    folder.rename(folder.with_name("away"))
    if how == "empty":  # as the mount point of a file system
        folder.mkdir()
    elif how == "file":
        folder.touch()
    for _ in range(3):
        with pytest.raises(OSError, match="models"):
            refresh(models)
    assert models.ready
    assert answer(models) == "A2"
    if how == "empty":
        folder.rmdir()
    elif how == "file":
        folder.unlink()
    folder.with_name("away").rename(folder)
    refresh(models)
    with models.lease("words") as again:
        assert again is loaded  # it was not loaded a second time
    add("words/3")
    refresh(models)
    assert answer(models) == "A3"


def test_a_missing_folder_is_logged_once(models, add, folder, caplog):
    add("words/2")

    async def lose_and_find():
        watching = asyncio.create_task(models.watch(0.01))
        while not models.ready:
            await asyncio.sleep(0.01)
        folder.rename(folder.with_name("away"))
        while "folder_unreadable" not in caplog.messages:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # a few more looks
        folder.with_name("away").rename(folder)
        while "folder_readable" not in caplog.messages:
            await asyncio.sleep(0.01)
        watching.cancel()

    with caplog.at_level("WARNING", "tf_transformer"):
        asyncio.run(asyncio.wait_for(lose_and_find(), 120))
    events = [message for message in caplog.messages if "folder" in message]
    assert events == ["folder_unreadable", "folder_readable"]
    assert answer(models) == "A2"


@pytest.mark.moderate
def test_one_model_that_cannot_be_listed_stops_no_other(models, add, monkeypatch):
    add("words/2")
    add("half/123")
    refresh(models)

    def find(folder):
        found = find_models(folder)
        found["half"] = FoundModel(is_readable=False)
        return found

    monkeypatch.setattr("tf_transformer.serving.models.find_models", find)
    add("words/3")
    refresh(models)
    assert answer(models) == "A3"
    assert states(models, "half") == {"123": "AVAILABLE"}


def test_a_link_without_a_target_does_not_hold_up_a_version(models, add):
    (add("words/2") / "notes").symlink_to("nowhere")
    refresh(models)
    assert answer(models) == "A2"


def test_a_missing_file_behind_a_link_is_reported(models, add, caplog):
    path = add("words/2") / "variables" / "variables.index"
    path.unlink()
    path.symlink_to("nowhere")
    with caplog.at_level("ERROR", "tf_transformer"):
        refresh(models)
    (entry,) = models.status("words")["model_version_status"]
    assert entry["state"] == "END"
    assert entry["status"]["error_code"] != "OK"
    assert caplog.messages == ["failed"]


def test_a_version_whose_files_change_is_named(folder, add, caplog):
    path = add("words/2")
    (path / "log").touch()
    models = Models(folder, settle_seconds=1000)
    with caplog.at_level("INFO", "tf_transformer"):
        refresh(models)
        refresh(models)
    (entry,) = models.status("words")["model_version_status"]
    assert entry["state"] == "START"
    assert entry["status"]["error_message"].startswith("Waiting for changes to end: ")
    assert str(path) in entry["status"]["error_message"]
    assert caplog.messages == ["waiting"]
    shutil.rmtree(path)
    refresh(models)
    with pytest.raises(RequestError, match="any versions of model words"):
        models.status("words")


def test_folders_that_are_not_served_are_named(models, add, folder, caplog):
    add("words/2")
    names = ["0.1", "99999999999999999999", "v1"]
    for name in names:
        add("words/2", to=f"words/{name}")
        add("words/2", to=f"other/{name}")
    (folder / "words" / "7").mkdir()
    add("words/2", to="bare")
    for _ in range(3):
        with caplog.at_level("WARNING", "tf_transformer"):
            refresh(models)
    assert answer(models) == "A2"
    assert models.status("words")["ignored_folders"] == ["0.1", "7", *names[1:]]
    with pytest.raises(RequestError, match="other. Ignored folders: 0.1, 9+, v1"):
        models.status("other")
    listed = {m["name"]: m.get("ignored_folders") for m in models.listing()["models"]}
    assert listed == {
        "bare": ["bare"],
        "other": names,
        "words": ["0.1", "7", *names[1:]],
    }
    logged = [r.details for r in caplog.records if r.message == "ignored"]
    paths = [details["folder"].removeprefix(f"{folder}/") for details in logged]
    assert sorted(paths) == sorted(
        ["bare", "words/7", *(f"{m}/{n}" for m in ("words", "other") for n in names)]
    )


def test_a_folder_that_still_changes_is_not_loaded(folder, add):
    path = add("words/2")
    models = Models(folder, settle_seconds=1000)
    refresh(models)
    assert not models.ready
    assert is_settled(last_change(path)[0], 0)
    # a copy may keep modification times; what counts cannot be set
    os.utime(path / "saved_model.pb", (1, 1))
    assert not is_settled(last_change(path)[0], 1000)


def test_a_folder_that_disappears_during_a_check_is_no_error(models, add, monkeypatch):
    add("words/2")

    def vanished(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr("tf_transformer.serving.models.last_change", vanished)
    refresh(models)
    assert not models.ready


def test_what_counts_as_a_model(exports, tmp_path):
    root = tmp_path / "root"
    for name in ("one/1", "one/02", "one/x", "one/-3", ".hidden/1", "empty/1", "٣/1"):
        (root / name).mkdir(parents=True)
        if "empty" not in name:
            (root / name / "saved_model.pb").touch()
    (root / "file").touch()
    found = find_models(root)
    versions = {name: sorted(model.versions) for name, model in found.items()}
    assert versions == {"empty": [], "one": [1, 2], "٣": [1]}
    ignored = {path.relative_to(root).as_posix() for path in ignored_folders(found)}
    assert ignored == {"empty/1", "one/x", "one/-3"}
    assert find_models(root / "one")["one"].versions == {
        1: root / "one" / "1",
        2: root / "one" / "02",
    }
    for missing in ("missing", "file"):
        with pytest.raises(OSError, match=missing):
            find_models(root / missing)


def ignored_folders(found):
    return [path for model in found.values() for path in model.ignored]


@pytest.fixture
def locked(monkeypatch):
    """A set of folders that nobody may read; `chmod` does not stop root."""
    folders, stat = set(), os.stat

    def locked_list(function):
        return lambda path=".": refuse(path) or function(path)

    def locked_stat(path, *arguments, **others):
        if isinstance(path, str | os.PathLike):
            refuse(os.path.dirname(path))
        return stat(path, *arguments, **others)

    def refuse(path):
        if str(path) in map(str, folders):
            raise PermissionError(13, "Permission denied", str(path))

    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, locked_list(getattr(os, name)))
    monkeypatch.setattr(os, "stat", locked_stat)
    return folders


def test_a_folder_that_cannot_be_read_stops_no_model(models, add, folder, locked):
    add("words/2")
    locked |= {folder / "lost+found", folder / "words" / "lost+found"}
    for path in locked:
        path.mkdir()
    refresh(models)
    assert answer(models) == "A2"
    reason = "it cannot be read: Permission denied"
    for found in (find_models(folder), find_models(folder / "words")):
        assert reason in {why for m in found.values() for why in m.ignored.values()}
    assert find_models(folder / "words")["words"].versions == {
        2: folder / "words" / "2"
    }
    listed = {m["name"]: m["ignored_folders"] for m in models.listing()["models"]}
    assert listed == {name: ["lost+found"] for name in ("lost+found", "words")}


def test_versions_that_cannot_be_read_any_more_are_kept(models, add, locked):
    paths = [add("words/3"), add("words/2")]
    refresh(models)
    for path in paths:
        locked.add(path)
        refresh(models)
        assert answer(models) == "A3"
    assert states(models) == {"3": "AVAILABLE"}


def test_a_new_version_that_cannot_be_read_is_reported(models, add, locked):
    add("words/2")
    path = add("words/3")
    (path / "saved_model.pb").unlink()  # TensorFlow opens files in its own way
    locked.add(path)
    refresh(models)
    assert answer(models) == "A2"
    first, second = models.status("words")["model_version_status"]
    assert (first["version"], first["state"]) == ("3", "END")
    assert second["state"] == "AVAILABLE"


def test_names_that_are_not_utf8_are_ignored(models, add, folder, caplog):
    path = add("words/2")
    latin = os.fsdecode(b"caf\xe9")
    for name in (latin, f"words/{latin}"):
        (folder / name / "1").mkdir(parents=True)
        (folder / name / "saved_model.pb").touch()
    (path / latin).touch()
    for _ in range(2):
        refresh(models)
    assert answer(models) == "A2"
    listed = {m["name"]: m["ignored_folders"] for m in models.listing()["models"]}
    assert listed == {"caf\\udce9": ["caf\\udce9"], "words": ["caf\\udce9"]}
    details = [r.details for r in caplog.records if r.message == "ignored"]
    logged = {d["folder"]: d["reason"] for d in details}
    assert logged[f"{folder}/caf\\udce9"] == "its name is not UTF-8"
    json.dumps([models.listing(), logged], ensure_ascii=False).encode()


def test_the_status_of_a_version_names_a_file_that_is_not_utf8(folder, add):
    path = add("words/2") / os.fsdecode(b"caf\xe9")
    path.touch()
    time.sleep(0.02)
    path.write_text("changed later than its folder")
    models = Models(folder, settle_seconds=1000)
    refresh(models)
    (entry,) = models.status("words")["model_version_status"]
    assert entry["status"]["error_message"].endswith("caf\\udce9")
