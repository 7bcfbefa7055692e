"""Fuzzes one target in this process, guided by coverage: see `__main__.py`."""

import hashlib
import mmap
import os
import resource
import sys
import traceback
from pathlib import Path

from tests.fuzzing.targets import find_target

MEMORY = 256 * 2**20  # above that of the process before the first input
TIMEOUT = 60  # seconds after which an input counts as endless
# parts of hostile files that mutations of bytes find late
WORDS = (
    *("null", "true", "NaN", "Infinity", "1e999", "-1", "18446744073709551616"),
    *("{}", "[]", "[[[[[[[[", '{"a":', r"\ud800", r"\u0000", '""', "\0", "\ufeff"),
    *("!!python/object/apply:os.system", "&a [*a]", "<<: *a", "? !", "1_0:60", "0x1"),
    *("\r\n", "\t", "\u2028", "\u3000", "../", "/etc/passwd", "\r"),
)


class Progress:
    """Counts inputs in a file, which survives the end of the process."""

    def __init__(self, path: Path):
        if not path.exists():
            path.write_bytes(bytes(8))
        with path.open("rb+") as file:
            self._map = mmap.mmap(file.fileno(), 8)

    @property
    def count(self) -> int:
        return int.from_bytes(self._map[:8], "little")

    def add(self) -> None:
        self._map[:8] = (self.count + 1).to_bytes(8, "little")


class Findings:
    """The first input of each kind of finding: type of error and place."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._known = {path.name.split(".")[0] for path in folder.glob("*.txt")}

    def add(self, data: bytes, error: BaseException) -> None:
        """Writes an input and its traceback, unless the kind is known."""
        place = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"{type(error).__name__} {place.filename}:{place.lineno}"
        if "Finding" in kind:
            kind += str(error)[:60]
        name = hashlib.sha256(kind.encode()).hexdigest()[:12]
        if name in self._known:
            return
        self._known.add(name)
        (self.folder / f"{name}.input").write_bytes(data)
        text = "".join(traceback.format_exception(error))
        (self.folder / f"{name}.txt").write_text(text, errors="backslashreplace")


def fuzz(name: str, num_inputs: int, seed: int, folder: Path) -> None:
    """Tries inputs until the count in the folder is `num_inputs`; never returns.

    Args:
        name: The target.
        num_inputs: Number of inputs of this process and those before it.
        seed: Seed of the mutations.
        folder: Receives the corpus and the findings.
    """
    import atheris

    _write_to(folder / "log")
    target = find_target(name)
    seeds = target.seeds()
    for data in seeds:
        target.read(data)
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for data in seeds:
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    words = folder / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS))
    progress, findings = Progress(folder / "count"), Findings(folder)
    _limit_memory()

    def try_input(data):
        if progress.count >= num_inputs:
            sys.stdout.flush()
            os._exit(0)
        progress.add()
        try:
            target.check(data)
        except Exception as error:
            findings.add(data, error)

    options = [
        *(f"-seed={seed}", f"-max_len={target.longest()}", f"-timeout={TIMEOUT}"),
        *("-runs=-1", "-rss_limit_mb=0", "-print_final_stats=0", "-verbosity=0"),
        *(f"-dict={words}", f"-artifact_prefix={folder}/", "-len_control=0"),
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], try_input)
    atheris.Fuzz()


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


def _write_to(path: Path) -> None:
    """Sends everything that is written from now on to the end of a file."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
