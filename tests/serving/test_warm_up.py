"""A version computes once before it answers, also with texts of the settings."""

import asyncio

import pytest

from tests.serving.model_answers import refresh
from tf_transformer.serving.models import Models
from tf_transformer.serving.settings import ServiceSettings
from tf_transformer.serving.signature import Signature


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
