"""The log is JSON and its rate is bounded."""

import json
import logging
import subprocess
import sys

import pytest

from tf_transformer.serving.logs import MAX_OTHERS, MAX_REQUESTS, PERIOD, RateLimit


def record(name="tf_transformer.serving.x", **details):
    found = logging.LogRecord(name, logging.WARNING, "", 0, "text", (), None)
    if details:
        found.details = details
    return found


@pytest.mark.parametrize(
    ("lines", "most"),
    [
        (lambda i: record(), MAX_OTHERS),
        (lambda i: record("asyncio"), MAX_OTHERS),
        (lambda i: record(event="ignored", folder=str(i)), MAX_OTHERS),
        (lambda i: record(event="request", status=503, path=str(i)), MAX_REQUESTS),
    ],
)
def test_lines_of_one_kind_are_counted_when_there_are_too_many(lines, most):
    time = 100.0
    limit = RateLimit(lambda: time)
    assert sum(limit.filter(lines(i)) for i in range(most + 7)) == most
    others = record(event="other"), record(event="request", status=504)
    assert all(limit.filter(other) and other.suppressed == 0 for other in others)
    time += PERIOD
    after = [lines(i) for i in range(2)]
    assert all(map(limit.filter, after))
    assert [line.suppressed for line in after] == [7, 0]


PROGRAM = """
import asyncio, logging, warnings
from tf_transformer.serving.logs import set_up_logs
set_up_logs(False)

async def main():
    loop = asyncio.get_running_loop()
    for number in range(100):  # as when no more files can be opened
        error = OSError(24, "Too many open files")
        message = f"socket.accept() out of system resource {number}"
        loop.call_exception_handler({"message": message, "exception": error})

asyncio.run(main())
logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
logging.getLogger("tensorflow").warning("from TensorFlow")
logging.getLogger("tensorflow").warning("ops with unsaved custom gradients.")
logging.getLogger("tf_transformer.serving.models").info("loading")
warnings.warn("careful")
"""


def test_the_log_of_the_whole_process_is_json_and_does_not_flood():
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert len(lines) == MAX_OTHERS + 4
    assert lines[0]["exception"] == "OSError"
    events = [line["event"] for line in lines[MAX_OTHERS:]]
    assert events[:3] == [
        "Invalid HTTP request received.",
        "from TensorFlow",
        "loading",
    ]
    assert "careful" in events[3]
