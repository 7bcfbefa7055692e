"""Runs `without_tensorflow.py` on another backend."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("without_tensorflow.py")


def run_program(backend, *words):
    """Runs `without_tensorflow.py` and returns what it printed."""
    result = subprocess.run(
        [sys.executable, str(PROGRAM), *map(str, words)],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        },
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout
