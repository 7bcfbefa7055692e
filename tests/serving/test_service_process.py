"""The command as a process: a real translator, signals, load, memory."""

import json
import os
import re
import shutil
import signal
import threading
import time

import numpy as np
import pytest

from tests.export.toy_export import TEXTS
from tests.serving.patience import until
from tests.serving.service_process import clients
from tf_transformer.export.saved_translator import SavedTranslator

pytestmark = pytest.mark.slow


@pytest.fixture
def exported(toy_export):
    return toy_export


def test_a_translator_answers_as_it_does_without_the_service(start, exported):
    service = start(exported.parents[1])
    translate = SavedTranslator(exported).signatures["translate"]
    for name in ("serving_default", "translate", "translate_compiled"):
        body = {"signature_name": name, "instances": TEXTS}
        status, answer = service.post("toy", body)
        assert status == 200
        expected = translate(text=np.array(TEXTS, object))
        found = answer["predictions"]
        assert [row["translation"] for row in found] == [
            text.decode() for text in expected["translation"].numpy()
        ]
        scores = [row["score"] for row in found]
        np.testing.assert_allclose(scores, expected["score"].numpy(), rtol=1e-4)
    _, answer = service.post("toy", {"signature_name": "attend", "inputs": TEXTS[:1]})
    num_pieces = len(answer["outputs"]["source"][0])
    weights = np.array(answer["outputs"]["encoder"])
    assert weights.shape == (1, 2, 3, num_pieces, num_pieces)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    _, answer = service.post("toy", {"signature_name": "info", "inputs": {}})
    assert json.loads(answer["outputs"])["max_length"] == 61
    status, answer = service.post("toy", {"inputs": ["a " * 200]})
    assert status == 400
    assert "A text is longer than the model can read" in answer["error"]


@pytest.mark.full  # test_soak.py changes versions under load too
def test_a_new_translator_takes_over_under_load(start, exported, tmp_path):
    folder = tmp_path / "models"
    shutil.copytree(exported.parent, folder / "toy")
    service = start(folder)
    statuses, stop = [], threading.Event()

    def client(k):
        connection = service.connection()
        while not stop.is_set():
            body = {"instances": [TEXTS[k % len(TEXTS)]]}
            statuses.append(service.post("toy", body, connection)[0])

    threads = clients(4, client)
    until(lambda: len(statuses) > 20)
    # copied slowly, file by file, as over a network
    new = folder / "toy" / "2"
    for path in sorted(exported.rglob("*")):
        target = new / path.relative_to(exported)
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
            time.sleep(0.3)
    until(lambda: service.get("/v1/models/toy/versions/2")[0] == 200, seconds=300)

    def states():
        entries = service.get("/v1/models/toy")[1]["model_version_status"]
        return [entry["state"] for entry in entries]

    until(lambda: states() == ["AVAILABLE", "END"], seconds=300)
    stop.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}


@pytest.fixture
def interruptible():
    """Lets processes be interrupted, though these tests may run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_accepted_requests_are_answered_after_a_signal(
    interruptible, start, exports, number
):
    service = start(exports, "--timeout", "300")
    body = {"signature_name": "slow", "inputs": ["1000"]}
    found = []
    threads = clients(3, lambda k: found.append(service.post("words", body)))
    until(lambda: num_accepted(service) == 3)
    service.process.send_signal(number)
    for thread in threads:
        thread.join()
    answer = {"outputs": ["1000true"]}
    assert found == [(200, answer)] * 3
    assert service.process.wait(60) == (0 if number == signal.SIGTERM else 130)


def num_accepted(service):
    """Sentences that wait, are being computed or have been."""
    connection = service.connection()
    connection.request("GET", "/metrics")
    page = connection.getresponse().read().decode()
    names = r"^tf_transformer_(?:queue_sentences|batch_sentences_sum) (\S+)"
    return sum(float(number) for number in re.findall(names, page, re.MULTILINE))


@pytest.fixture
def one_core():
    """Processes that are started have one core."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("cores cannot be chosen on this system")
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    yield
    os.sched_setaffinity(0, cores)


def test_a_computation_that_never_ends_stops_neither_others_nor_the_end(
    one_core, start, exports
):
    service = start(exports, "--timeout", "1")
    until(lambda: service.get("/readyz/words")[0] == 200, seconds=300)
    endless = {"signature_name": "slow", "inputs": ["2000000000"]}
    assert service.post("words", endless)[0] == 504
    expected = 200, {"predictions": [3.0]}
    until(lambda: service.post("half", {"instances": [2]}) == expected)
    until(lambda: service.get("/readyz/words") == (503, {"status": "stuck"}))
    assert service.get("/healthz")[0] == 200
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(60) == 1


# test_service_limits.py and test_serve_verb.py check the answers and the options
@pytest.mark.full
def test_requests_beyond_the_capacity_are_refused(start, exports):
    service = start(exports, "--queue", "4", "--max-sentences", "2")
    slow = {"signature_name": "slow", "inputs": ["2000"]}
    found = []
    for thread in clients(16, lambda k: found.append(service.post("words", slow)[0])):
        thread.join()
    assert set(found) == {200, 503}
    assert service.post("words", {"instances": ["a"]})[0] == 200


@pytest.mark.full  # test_soak.py watches memory too
def test_no_memory_is_lost(start, exports):
    """Requests of every kind, and clients that hang up."""
    service = start(exports, "--batch-delay", "0")
    bodies = [
        {"instances": ["a b c"] * 3},
        {"signature_name": "kinds", "inputs": ["xyz", ""]},
        {"signature_name": "picky", "inputs": ["good", "bad"]},
        {"signature_name": "pieces", "inputs": ["a b", "c"]},
        {"signature_name": "nope", "inputs": []},
    ]

    def client(number):
        connection = service.connection()
        for k in range(number):
            service.post("words", bodies[k % len(bodies)], connection)
            if k % 10 == 0:
                leaving = service.connection()
                leaving.request("POST", "/v1/models/words:predict", '{"inputs": ["a"]}')
                leaving.close()

    def load(number):
        for thread in clients(4, lambda k: client(number)):
            thread.join()

    load(150)
    before = service.memory()
    load(600)
    growth = service.memory() - before
    assert growth < 20


@pytest.mark.full
def test_many_versions_leave_no_memory_behind(start, exports, tmp_path):
    folder = tmp_path / "models"
    shutil.copytree(exports / "words" / "2", folder / "words" / "1")
    service = start(folder)

    def swap(version):
        new = folder / "words" / str(version)
        shutil.copytree(exports / "words" / "2", new)
        path = f"/v1/models/words/versions/{version}"
        until(lambda: "AVAILABLE" in str(service.get(path)), seconds=300)
        shutil.rmtree(folder / "words" / str(version - 1))

    for version in range(2, 6):
        swap(version)
    before = service.memory()
    for version in range(6, 16):
        swap(version)
    growth = service.memory() - before
    assert growth < 50
