"""Processes that work in turns, so that drift of the machine affects all of them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def take_turns(work) -> None:
    """Runs in a worker: calls `work()` for each line of standard input.

    Each answer is a line of JSON: seconds, seconds of CPU time, the peak of memory in
    GB, and the result of `work` if it is a dictionary. The first line reports that the
    worker is ready.
    """
    answers = answering()
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for _ in sys.stdin:
        start = clocks()
        values = work()
        print(answer(start, values), file=answers, flush=True)


def answering():
    """Reserves standard output for answers; output of libraries goes to the log."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def clocks() -> tuple[float, float]:
    """Wall time and CPU time of this process, in seconds."""
    return time.perf_counter(), time.process_time()


def answer(start: tuple[float, float], values=None) -> str:
    """A worker's answer after its turn, which began at `start` (see `clocks`)."""
    now = clocks()
    return json.dumps(
        {
            "seconds": now[0] - start[0],
            "processor seconds": now[1] - start[1],
            "gigabytes": most_memory(),
            **(values or {}),
        }
    )


def most_memory() -> float:
    """The peak memory of this process, in GB.

    `resource` would return the parent's peak if it is larger.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1e6


class Worker:
    """A process that works in turns with others.

    Args:
        name: Its name in the table.
        script: A file of this folder.
        *arguments: Its arguments.
        python: The Python that runs it.
        environment: More environment variables.
    """

    def __init__(self, name, script, *arguments, python=sys.executable, environment=()):
        self.name, self.log = name, Path(os.environ.get("LOGS", "."), f"{name}.log")
        start = time.perf_counter()
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [python, str(HERE / script), *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **dict(environment)},
            )
        self._read()
        self.start_seconds = time.perf_counter() - start
        self.turns = []

    def turn(self) -> dict:
        """Runs the work twice and returns the second answer; the first run warms up."""
        for _ in range(2):
            self.process.stdin.write("go\n")
            self.process.stdin.flush()
            answer = self._read()
        self.turns.append(answer)
        return answer

    def _read(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError(f"{self.name} ended; see {self.log}")
        return json.loads(line)

    def stop(self) -> None:
        """Ends the process."""
        with self.process:  # closes its pipes and waits
            pass
