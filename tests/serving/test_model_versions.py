"""Versions come and go while requests are answered."""

import asyncio
import os
import shutil

import numpy as np
import pytest

from tf_transformer.serving.errors import RequestError
from tf_transformer.serving.folder import changed_at, is_settled, versions_on_disk
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

    monkeypatch.setattr("tf_transformer.serving.models.LoadedVersion", fail)
    refresh(models)
    refresh(models)
    assert loads == [3]
    assert not models.ready
    (entry,) = models.status("words")["model_version_status"]
    assert entry["status"] == {
        "error_code": "UNKNOWN",
        "error_message": "disk trouble",
    }


def test_going_back_to_an_older_version(models, add, folder):
    add("words/2")
    add("words/3")
    refresh(models)
    assert answer(models) == "A3"
    shutil.rmtree(folder / "words" / "3")
    refresh(models)
    assert answer(models) == "A2"


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


def test_a_model_that_is_gone_is_not_served(models, add, folder):
    add("words/2")
    refresh(models)
    shutil.rmtree(folder / "words")
    refresh(models)
    assert not models.ready
    with pytest.raises(RequestError, match=r"Latest\(words\)"):
        answer(models)


def test_a_folder_that_still_changes_is_not_loaded(folder, add):
    path = add("words/2")
    models = Models(folder, settle_seconds=1000)
    refresh(models)
    assert not models.ready
    assert is_settled(changed_at(path), 0)
    # a copy may keep modification times; what counts cannot be set
    os.utime(path / "saved_model.pb", (1, 1))
    assert not is_settled(changed_at(path), 1000)


def test_a_folder_that_vanishes_while_looked_at_is_no_error(models, add, monkeypatch):
    add("words/2")

    def vanished(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr("tf_transformer.serving.models.changed_at", vanished)
    refresh(models)
    assert not models.ready


def test_what_counts_as_a_model(exports, tmp_path):
    root = tmp_path / "root"
    for name in ("one/1", "one/02", "one/x", "one/-3", ".hidden/1", "empty/1", "٣/1"):
        (root / name).mkdir(parents=True)
        if "empty" not in name:
            (root / name / "saved_model.pb").touch()
    (root / "file").touch()
    found = {name: sorted(v) for name, v in versions_on_disk(root).items()}
    assert found == {"one": [1, 2], "٣": [1]}
    assert versions_on_disk(root / "one") == {
        "one": {1: root / "one" / "1", 2: root / "one" / "02"}
    }
    assert versions_on_disk(root / "missing") == {}
    assert versions_on_disk(root / "file") == {}


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
    assert sizes["same"] == [[1, 1]]  # it asks for more than texts
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


def test_a_service_that_is_stopped_does_not_go_on_to_warm_up(folder, add, computed):
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
