"""Versions are loaded and unloaded while requests are answered."""

import asyncio
import gc
import shutil
import weakref

import numpy as np
import pytest

from tests.serving.model_answers import answer, refresh, states
from tf_transformer.serving.batcher import Batchers
from tf_transformer.serving.errors import RequestError
from tf_transformer.serving.metrics import Metrics
from tf_transformer.serving.models import Models
from tf_transformer.serving.settings import ServiceSettings


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


def test_a_removed_model_is_forgotten_after_its_end_was_shown(folder, models, add):
    add("words/2")
    add("words/3", to="other/3")
    refresh(models)
    assert models.names() == ["other", "words"]
    shutil.rmtree(folder / "words")
    refresh(models)
    assert states(models) == {"2": "END"}
    refresh(models)
    assert models.names() == ["other"]
    with pytest.raises(RequestError, match="any versions of model words"):
        models.status("words")


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
