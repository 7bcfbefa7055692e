"""Versions are loaded and unloaded while requests are answered."""

import asyncio
import gc
import os
import shutil
import weakref

import numpy as np
import pytest

from tf_transformer.serving.batcher import Batchers
from tf_transformer.serving.errors import RequestError
from tf_transformer.serving.folder import (
    FoundModel,
    find_models,
    is_settled,
    last_change,
)
from tf_transformer.serving.metrics import Metrics
from tf_transformer.serving.models import Models
from tf_transformer.serving.settings import ServiceSettings
from tf_transformer.serving.signature import Signature


@pytest.fixture
def models(folder):
    return Models(folder, settle_seconds=0)


def refresh(models):
    asyncio.run(models.refresh())


def states(models, name="words"):
    entries = models.status(name)["model_version_status"]
    return {entry["version"]: entry["state"] for entry in entries}


def answer(models, version=None, name="words"):
    with models.lease(name, version) as loaded:
        found = loaded.signature(None)({"text": np.array([b"a"], object)})
    return found["translation"][0].decode()


@pytest.mark.moderate
def test_a_new_version_takes_over(models, add):
    add("words/2")
    refresh(models)
    assert models.ready
    assert answer(models) == "A2"
    add("words/3")
    refresh(models)
    assert answer(models) == "A3"
    assert states(models) == {"3": "AVAILABLE", "2": "END"}
    with pytest.raises(RequestError, match=r"Specific\(words, 2\)"):
        answer(models, version=2)


@pytest.mark.moderate
def test_all_versions_answer_if_asked_for(folder, add):
    models = Models(folder, keep_all=True, settle_seconds=0)
    add("words/2")
    add("words/3")
    refresh(models)
    assert [answer(models, version) for version in (2, 3, None)] == ["A2", "A3", "A3"]
    shutil.rmtree(folder / "words" / "3")
    refresh(models)
    assert answer(models) == "A2"
    assert states(models) == {"3": "END", "2": "AVAILABLE"}


def test_versions_are_numbers(models, add):
    add("words/2", to="words/9")
    add("words/3", to="words/00010")
    refresh(models)
    assert answer(models) == "A3"
    assert answer(models, version=10) == "A3"


@pytest.mark.moderate
def test_a_request_keeps_its_version_until_it_is_answered(models, add):
    add("words/2")
    refresh(models)
    with models.lease("words") as loaded:
        add("words/3")
        refresh(models)
        assert states(models) == {"3": "AVAILABLE", "2": "UNLOADING"}
        arrays = {"text": np.array([b"a"], object)}
        assert loaded.signature(None)(arrays)["translation"][0] == b"A2"
        assert answer(models) == "A3"
    assert states(models) == {"3": "AVAILABLE", "2": "END"}


@pytest.mark.moderate
def test_a_broken_version_is_reported_and_the_good_one_kept(models, add):
    add("words/2")
    refresh(models)
    broken = add("words/3")
    data = broken / "variables" / "variables.data-00000-of-00001"
    good = data.read_bytes()
    data.write_bytes(good[:1])
    refresh(models)
    refresh(models)
    assert answer(models) == "A2"
    first, second = models.status("words")["model_version_status"]
    assert (first["version"], first["state"]) == ("3", "END")
    assert first["status"]["error_code"] != "OK"
    assert first["status"]["error_message"]
    assert second["state"] == "AVAILABLE"
    data.write_bytes(good)
    refresh(models)
    assert answer(models) == "A3"
    assert states(models) == {"3": "AVAILABLE", "2": "END"}


@pytest.mark.parametrize("content", [b"", b"not a proto", b"\x08\x01"])
def test_a_folder_that_is_no_saved_model_is_reported(models, add, content):
    (add("words/3") / "saved_model.pb").write_bytes(content)
    add("words/2")
    refresh(models)
    assert states(models) == {"3": "END", "2": "AVAILABLE"}
    assert answer(models) == "A2"


def test_a_broken_version_is_not_loaded_again_and_again(models, add, monkeypatch):
    add("words/3")
    loads = []

    def fail(name, version, path):
        loads.append(version)
        raise OSError("disk trouble")

    monkeypatch.setattr("tf_transformer.serving.loaded_version.LoadedVersion", fail)
    refresh(models)
    refresh(models)
    assert loads == [3]
    assert not models.ready
    (entry,) = models.status("words")["model_version_status"]
    assert entry["status"] == {
        "error_code": "UNKNOWN",
        "error_message": "disk trouble",
    }


@pytest.mark.moderate
def test_going_back_to_an_older_version(models, add, folder):
    add("words/2")
    add("words/3")
    refresh(models)
    assert answer(models) == "A3"
    shutil.rmtree(folder / "words" / "3")
    refresh(models)
    assert answer(models) == "A2"


@pytest.mark.moderate
def test_a_version_is_kept_while_its_successor_is_being_copied(folder, add):
    add("words/2")
    models = Models(folder, settle_seconds=0)
    refresh(models)
    models.settle_seconds = 1000
    shutil.rmtree(folder / "words" / "2")
    add("words/3")
    refresh(models)
    assert answer(models) == "A2"
    models.settle_seconds = 0
    refresh(models)
    assert answer(models) == "A3"


def test_a_removed_model_is_not_served(models, add, folder):
    add("words/2")
    refresh(models)
    shutil.rmtree(folder / "words")
    refresh(models)
    assert not models.ready
    with pytest.raises(RequestError, match=r"Latest\(words\)"):
        answer(models)


@pytest.mark.long
def test_an_unloaded_version_is_not_kept_in_memory(models, add):
    async def swap():
        batchers = Batchers(ServiceSettings(), Metrics())
        await models.refresh()
        with models.lease("words") as loaded:
            signature = loaded.signature(None)
            texts = {"text": np.array([b"a"], object)}
            await batchers.batcher(loaded).compute(signature, texts)
            parts = loaded, signature, loaded._saved_model, batchers.batcher(loaded)
        references = [weakref.ref(part) for part in parts]
        del loaded, signature, parts
        add("words/3")
        await models.refresh()
        return references

    add("words/2")
    references = asyncio.run(swap())
    gc.collect()
    assert [reference() for reference in references] == [None] * 4


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
        await asyncio.sleep(0.3)
        folder.with_name("away").rename(folder)
        while "folder_readable" not in caplog.messages:
            await asyncio.sleep(0.01)
        watching.cancel()

    with caplog.at_level("WARNING", "tf_transformer"):
        asyncio.run(asyncio.wait_for(lose_and_find(), 20))
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


def test_a_version_is_warmed_up_before_it_answers(models, add, monkeypatch):
    warm = []
    monkeypatch.setattr(
        "tf_transformer.serving.signature.Signature.warm_up",
        lambda self: warm.append((self.name, models.ready)),
    )
    add("half/123")
    refresh(models)
    assert warm == [("serving_default", False)]
    assert models.ready


@pytest.fixture
def computed(monkeypatch):
    """Which signature was called with how many texts."""
    found, call = [], Signature.__call__

    def recorded(self, arrays):
        texts = [len(array) for array in arrays.values() if array.dtype == object]
        found.append((self.name, *texts))
        return call(self, arrays)

    monkeypatch.setattr(Signature, "__call__", recorded)
    return found


def warming_up(folder, **settings):
    settings = ServiceSettings(**settings)
    batches = settings.warm_up_batches
    return Models(folder, settle_seconds=0, warm_up_batches=batches)


def test_texts_to_warm_up_with_reach_what_takes_texts_alone(folder, add, computed):
    models = warming_up(folder, batch_size=6, warm_up_texts=("a b", "bad", "c"))
    add("words/2")
    refresh(models)
    sizes = {
        name: [n for other, *n in computed if other == name] for name, *_ in computed
    }
    assert sizes["translate"] == [[1], *([n] for n in (1, 2, 4, 6) * 3)]
    assert sizes["picky"] == sizes["translate"]  # it refuses the second text
    assert sizes["pieces"] == [[1]]  # its answer depends on the company
    assert sizes["same"] == [[1, 1]]  # it has more inputs than texts
    assert models.ready


@pytest.mark.parametrize(
    ("settings", "sizes"),
    [
        ({"batch_size": 1, "max_sentences": 5}, [1, 2, 4, 5]),
        ({"batch_size": 2}, [1, 2]),
    ],
)
def test_sizes_to_warm_up_with(settings, sizes):
    settings = ServiceSettings(warm_up_texts=("a",), **settings)
    assert [len(texts) for texts in settings.warm_up_batches] == sizes


def test_a_stopped_service_stops_its_warm_up(folder, add, computed):
    models = warming_up(folder, warm_up_texts=("a b",) * 10_000)
    add("words/2")

    async def start_and_stop():
        task = asyncio.create_task(models.watch(0.01))
        while not computed:
            await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(start_and_stop())  # which waits for the thread
    assert 0 < len(computed) < 10_000
    assert not models.ready
