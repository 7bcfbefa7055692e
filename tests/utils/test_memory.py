"""glibc keeps freed memory for the process."""

import ctypes
import platform
import subprocess
import sys

import pytest

from tf_transformer.cli import main
from tf_transformer.runs import training
from tf_transformer.utils import memory

FREES_BLOCKS = """
import ctypes, sys
from tf_transformer.utils.memory import keep_freed_memory
if "keep" in sys.argv:
    assert keep_freed_memory()
c = ctypes.CDLL(None)
c.malloc.restype, c.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
size = 400 * 2**20
block = c.malloc(ctypes.c_size_t(size))
ctypes.memset(block, 1, size)
c.free(block)
print(int(open("/proc/self/statm").read().split()[1]) * 4096)
"""


@pytest.mark.moderate
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="about glibc")
def test_a_freed_block_is_kept():
    resident = [
        int(subprocess.check_output([sys.executable, "-c", FREES_BLOCKS, *words]))
        for words in ([], ["keep"])
    ]
    assert resident[0] < 300 * 2**20 < 400 * 2**20 <= resident[1]


def test_another_c_library_is_left_alone(monkeypatch):
    class Other:
        pass

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Other())
    assert memory.keep_freed_memory() is False


def test_training_by_the_command_line_keeps_it(monkeypatch, tmp_path):
    happened = []

    def stop(*arguments):
        happened.append("trained")
        raise KeyboardInterrupt

    monkeypatch.setattr(memory, "keep_freed_memory", lambda: happened.append("kept"))
    monkeypatch.setattr(training, "train", stop)
    assert main(["train", "--run", str(tmp_path / "run")]) == 130
    assert happened == ["kept", "trained"]
