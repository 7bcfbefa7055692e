"""The service for long at full load, while clients and versions misbehave.

TF_TRANSFORMER_SOAK_SECONDS=1800 pytest -s tests/serving/test_soak.py
"""

import itertools
import os
import shutil
import socket
import statistics
import threading
import time

import numpy as np
import pytest

from tests.export.toy_export import (
    BEAM_SIZE,
    TEXTS,
    make_translator,
    save_signatures,
)
from tests.fast import FAST
from tests.serving.patience import until
from tests.serving.service_process import clients
from tf_transformer.export.saved_translator import SavedTranslator
from tf_transformer.inference.settings import SearchSettings

pytestmark = pytest.mark.slow

SOAK_SECONDS = float(os.environ.get("TF_TRANSFORMER_SOAK_SECONDS", 9 if FAST else 30))
SLOW = {"signature_name": "slow", "inputs": ["300"]}
# model, body, status
BAD_REQUESTS = [
    ("words", b"{", 400),
    ("words", {"instances": [7]}, 400),
    ("words", {"signature_name": "picky", "inputs": ["bad"]}, 400),
    ("toy", {"inputs": ["a " * 200]}, 400),
    ("toy", {"inputs": ["a"] * 65}, 400),
    ("nobody", {"instances": ["a"]}, 404),
    ("words", {"inputs": ["a" * (1 << 20)]}, 413),
]


class Load:
    """Clients of all kinds, each in a thread until `stop`; what they saw."""

    def __init__(self, service, folder, exports, translations):
        self.service, self.folder, self.exports = service, folder, exports
        self.translations = translations  # text: (translation, score)
        self.stop = threading.Event()
        self.wrong = []
        self.seconds = {"toy": [], "words": [], "slow": []}
        self.version = self.newest = 2  # of `words`, the model that certainly answers
        counted = "versions", "broken versions", "vanished folders"
        self.counts = dict.fromkeys((*counted, "bad requests", "stalled clients"), 0)

    def ask(self, model, body, connection):
        started = time.monotonic()
        status, answer = self.service.post(model, body, connection)
        self.seconds[model].append(time.monotonic() - started)
        if status != 200:
            self.wrong.append((model, body, status, answer))
            return None
        return answer

    def translate(self, k):
        """Sends texts to the translator and compares text and score."""
        generator, connection = np.random.default_rng(k), self.service.connection()
        while not self.stop.is_set():
            texts = generator.choice(TEXTS, generator.integers(1, 4)).tolist()
            answer = self.ask("toy", {"instances": texts}, connection)
            rows = answer["predictions"] if answer else []
            for text, row in zip(texts, rows, strict=answer is not None):
                translation, score = self.translations[text]
                if row["translation"] != translation or (
                    abs(row["score"] - score) > 1e-4 * abs(score)
                ):
                    self.wrong.append((text, row, translation, score))

    def capitalize(self, k):
        """Asks the model whose versions change."""
        connection = self.service.connection()
        for number in itertools.count():
            if self.stop.is_set():
                return
            first, text = self.version, f"a{k} b{number}"
            answer = self.ask("words", {"inputs": [text]}, connection)
            last = self.newest
            possible = {text.upper() + "23"[v % 2] for v in range(first, last + 1)}
            if answer and answer["outputs"]["translation"][0] not in possible:
                self.wrong.append((first, last, text, answer))

    def be_slow(self, k):
        """Keeps another model computing without a pause."""
        connection = self.service.connection()
        while not self.stop.is_set():
            answer = self.ask("slow", SLOW, connection)
            if answer and answer["outputs"] != ["300true"]:
                self.wrong.append(answer)

    def send_bad_requests(self, k):
        for model, body, expected in itertools.cycle(BAD_REQUESTS):
            if self.stop.wait(0.05):
                return
            status, _ = self.service.post(model, body)
            self.counts["bad requests"] += 1
            if status != expected:
                self.wrong.append((model, str(body)[:80], status))

    def stall(self, k):
        """Connects and stops in the headers, in the body, or before the answer."""
        body = b'{"inputs": ["a"]}'
        headers = b"POST /v1/models/words:predict HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        length = b"Content-Length: %d\r\n\r\n" % len(body)
        for sent in itertools.cycle(
            (headers[:30], headers + length + body[:5], headers + length + body)
        ):
            if self.stop.is_set():
                return
            with socket.create_connection(("127.0.0.1", self.service.port)) as client:
                client.sendall(sent)
                self.stop.wait(0.5)
            self.counts["stalled clients"] += 1

    def change_versions(self, k):
        """New versions, broken ones, and a folder that is away for a second."""
        toy = 1
        for turn in itertools.count():
            if self.stop.is_set():
                return
            self.newest = self.version + 1
            self.replace("words", self.version, self.exports / "words")
            self.version = self.newest
            if turn % 3 == 0:
                self.break_version(self.version + 1)
            if turn % 4 == 1:
                self.replace("toy", toy, self.exports / "toy" / "1")
                toy += 1
            if turn % 5 == 1:
                self.folder.rename(self.folder.with_name("away"))
                time.sleep(1)
                self.folder.with_name("away").rename(self.folder)
                self.counts["vanished folders"] += 1

    def add(self, name, version, source, size=None):
        """Adds a version; with a size, its graph is cut to so many bytes."""
        path = self.folder / name / str(version)
        copy = path.with_name(f".{version}")
        shutil.copytree(source, copy)
        if size is not None:
            os.truncate(copy / "saved_model.pb", size)
        copy.rename(path)
        return path

    def status(self, name, version):
        return str(self.service.get(f"/v1/models/{name}/versions/{version}"))

    def replace(self, name, version, source):
        """Adds the next version, and removes this one when the next one answers."""
        new = version + 1
        self.add(name, new, source / str(2 + new % 2) if name == "words" else source)
        until(lambda: "AVAILABLE" in self.status(name, new), 300)
        shutil.rmtree(self.folder / name / str(version))
        self.counts["versions"] += 1

    def break_version(self, version):
        """Adds a version that cannot be loaded, until it was tried."""
        path = self.add("words", version, self.exports / "words" / "2", size=100)
        until(lambda: "END" in self.status("words", version), 300)
        shutil.rmtree(path)
        self.counts["broken versions"] += 1

    def has_seen_everything(self):
        """Whether each model has answered often and each fault has occurred."""
        return (
            min(map(len, self.seconds.values())) > 10 and min(self.counts.values()) > 0
        )

    def report(self, before, after):
        """Prints the figures of docs/reliability.md."""
        counts = ", ".join(f"{number} {what}" for what, number in self.counts.items())
        print(f"\n{SOAK_SECONDS:.0f} s; {counts}")
        for model, seconds in self.seconds.items():
            median = statistics.median(seconds)
            print(
                f"{model}: {len(seconds)} requests, median {median:.3f} s, "
                f"most {max(seconds):.3f} s"
            )
        print(f"{before:.0f} MB after a third, {after:.0f} MB at the end")


@pytest.fixture
def toy(toy_export, tmp_path):
    """The folder of the translator; in the short form it is loaded quickly."""
    if not FAST:
        return toy_export
    path = tmp_path / "toy" / "1"
    save_signatures(make_translator(), SearchSettings(beam_size=BEAM_SIZE), path)
    return path


@pytest.fixture
def load(tmp_path, exports, toy, start):
    """A service of three models with its clients, not yet running."""
    source, folder = tmp_path / "exports", tmp_path / "models"
    source.mkdir()
    (source / "words").symlink_to(exports / "words")
    (source / "toy").symlink_to(toy.parent)
    shutil.copytree(exports / "words" / "2", folder / "words" / "2")
    shutil.copytree(exports / "words" / "2", folder / "slow" / "1")
    shutil.copytree(toy, folder / "toy" / "1")
    translate = SavedTranslator(toy).signatures["translate"]
    found = translate(text=np.array(TEXTS, object))
    texts = [text.decode() for text in found["translation"].numpy()]
    scores = found["score"].numpy().tolist()
    translations = dict(zip(TEXTS, zip(texts, scores, strict=True), strict=True))
    return Load(start(folder), folder, source, translations)


def test_the_service_survives_load_and_faults(load):
    """As long as TF_TRANSFORMER_SOAK_SECONDS says; 1800 for the whole half hour."""
    kinds = [load.translate] * 3 + [load.capitalize] * 3 + [load.be_slow] * 2
    kinds += [load.send_bad_requests, load.stall, load.change_versions]
    threads = clients(len(kinds), lambda k: kinds[k](k))
    try:
        time.sleep(SOAK_SECONDS / 3)
        before = load.service.memory()
        time.sleep(SOAK_SECONDS * 2 / 3)
        after = load.service.memory()
        until(lambda: load.wrong or load.has_seen_everything(), 300)
    finally:
        load.stop.set()
    for thread in threads:
        thread.join()
    load.report(before, after)
    assert load.wrong[:3] == []
    assert after - before < 100
    assert load.service.get("/healthz")[0] == 200
    load.service.log.seek(0)
    assert "Traceback" not in load.service.log.read()
