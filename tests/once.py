"""Objects that the tests of all worker processes share and the first one makes."""

import fcntl
import os


def folder_made_once(tmp_path_factory, name, make):
    """The folder `name` of this session, filled by `make(folder)` once.

    Workers of pytest-xdist share the folder; the others wait while one makes it.
    """
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, is_made = root / name, root / f"{name}.made"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_made.exists():
            make(folder)
            is_made.touch()
    return folder
