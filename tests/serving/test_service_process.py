"""The command as its own process: real translator, signals, load, memory."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.export.toy_export import TEXTS
from tests.fast import FAST
from tests.serving.patience import until
from tf_transformer.export.saved_translator import SavedTranslator

pytestmark = pytest.mark.slow

SOAK_SECONDS = float(os.environ.get("TF_TRANSFORMER_SOAK_SECONDS", 9 if FAST else 20))


class Service:
    """A running `tf-transformer serve`."""

    def __init__(self, folder, log, *options):
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tf_transformer", "serve", str(folder)),
                *("--port", "0", "--poll", "0.2", *options),
            ],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        )
        line = self.process.stdout.readline()
        log.seek(0)
        assert line.startswith("Serving "), log.read()
        self.port = int(re.search(r" at http://127\.0\.0\.1:(\d+)$", line)[1])
        until(lambda: self.get("/readyz")[0] == 200, seconds=300)

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def get(self, path):
        with contextlib.closing(self.connection()) as connection:
            return asked(connection, "GET", path)

    def post(self, model, body, connection=None):
        path = f"/v1/models/{model}:predict"
        with contextlib.ExitStack() as stack:
            if connection is None:
                connection = stack.enter_context(contextlib.closing(self.connection()))
            return asked(connection, "POST", path, json.dumps(body))

    def memory(self):
        """Resident megabytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def asked(connection, method, path, body=None):
    connection.request(method, path, body)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@pytest.fixture
def start(tmp_path):
    """A function that starts a service, which is ended after the test."""
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((tmp_path / "log").open("w+"))

        def start(folder, *options):
            service = Service(folder, log, *options)
            stack.enter_context(service.process)  # closes its pipe and waits
            stack.callback(service.process.kill)
            return service

        yield start


@pytest.fixture
def exported(toy_export):
    return toy_export


def clients(number, function):
    """Runs `function(k)` in so many threads to the end."""
    threads = [threading.Thread(target=function, args=(k,)) for k in range(number)]
    for thread in threads:
        thread.start()
    return threads


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
def test_a_signal_lets_it_finish_what_it_accepted(
    interruptible, start, exports, number
):
    service = start(exports)
    body = {"signature_name": "slow", "inputs": ["3000"]}
    found = []
    threads = clients(3, lambda k: found.append(service.post("words", body)))
    until(lambda: num_accepted(service) == 3)
    service.process.send_signal(number)
    for thread in threads:
        thread.join()
    answer = {"outputs": ["3000true"]}
    assert found == [(200, answer)] * 3
    assert service.process.wait(60) == (0 if number == signal.SIGTERM else 130)


def num_accepted(service):
    """Sentences that wait, are being computed or have been."""
    connection = service.connection()
    connection.request("GET", "/metrics")
    page = connection.getresponse().read().decode()
    names = r"^tf_transformer_(?:queue_sentences|batch_sentences_sum) (\S+)"
    return sum(float(number) for number in re.findall(names, page, re.MULTILINE))


def test_a_computation_that_never_ends_stops_neither_others_nor_the_end(start, exports):
    service = start(exports, "--timeout", "1")
    until(lambda: service.get("/readyz/words")[0] == 200, seconds=300)
    endless = {"signature_name": "slow", "inputs": ["2000000000"]}
    assert service.post("words", endless)[0] == 504
    assert service.post("half", {"instances": [2]}) == (200, {"predictions": [3.0]})
    until(lambda: service.get("/readyz/words") == (503, {"status": "stuck"}))
    assert service.get("/healthz")[0] == 200
    started = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(60) == 1
    assert time.monotonic() - started < 20


# test_service_limits.py and test_serve_verb.py check the answers and the options
@pytest.mark.full
def test_beyond_its_capacity_it_refuses_and_goes_on(start, exports):
    service = start(exports, "--queue", "4", "--max-sentences", "2")
    slow = {"signature_name": "slow", "inputs": ["2000"]}
    found = []
    for thread in clients(16, lambda k: found.append(service.post("words", slow)[0])):
        thread.join()
    assert set(found) == {200, 503}
    assert service.post("words", {"instances": ["a"]})[0] == 200


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


def test_it_stands_a_full_load(start, exported):
    """As long as TF_TRANSFORMER_SOAK_SECONDS says; 1800 for the whole half hour."""
    service = start(exported.parents[1])
    stop, statuses = threading.Event(), []

    def client(k):
        generator = np.random.default_rng(k)
        connection = service.connection()
        while not stop.is_set():
            # ten of the longest are as many tokens as the model reads
            words = generator.choice(
                ["a", "cat", "house", "공원"], generator.integers(11)
            )
            status, _ = service.post(
                "toy", {"instances": [" ".join(words)]}, connection
            )
            statuses.append(status)

    threads = clients(8, client)
    time.sleep(SOAK_SECONDS / 3)
    before = service.memory()
    time.sleep(SOAK_SECONDS * 2 / 3)
    after = service.memory()
    stop.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}
    assert len(statuses) > 50
    assert after - before < 100
    assert service.get("/healthz")[0] == 200
