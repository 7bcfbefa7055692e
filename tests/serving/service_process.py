"""A running `tf-transformer serve`, and clients of it."""

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

from tests.serving.patience import until


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
        self.log = log
        line = self.process.stdout.readline()
        log.seek(0)
        assert line.startswith("Serving "), log.read()
        self.port = int(re.search(r" at http://127\.0\.0\.1:(\d+)$", line)[1])
        until(lambda: self.get("/readyz")[0] == 200, seconds=300)

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)

    def get(self, path):
        with contextlib.closing(self.connection()) as connection:
            return asked(connection, "GET", path)

    def post(self, model, body, connection=None):
        path = f"/v1/models/{model}:predict"
        with contextlib.ExitStack() as stack:
            if connection is None:
                connection = stack.enter_context(contextlib.closing(self.connection()))
            data = body if isinstance(body, bytes) else json.dumps(body)
            return asked(connection, "POST", path, data)

    def memory(self):
        """Resident megabytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def asked(connection, method, path, body=None):
    connection.request(method, path, body)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def clients(number, function):
    """Runs `function(k)` in so many threads to the end."""
    threads = [threading.Thread(target=function, args=(k,)) for k in range(number)]
    for thread in threads:
        thread.start()
    return threads
