"""The wheel of `make wheel`: its files, and a notebook that installs it."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.fast import FAST
from tf_transformer.version import __version__

ROOT = Path(__file__).parents[2]
SOURCES = ("tf_transformer", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
# installs the wheel next to the notebook by its first cell, then runs all cells
RUN_NOTEBOOK = """
import nbclient, nbformat
notebook = nbformat.read("notebook.ipynb", as_version=4)
nbclient.NotebookClient(notebook, timeout=None, startup_timeout=600).execute()
nbformat.write(notebook, "notebook.ipynb")
"""


def run(*command, folder, **options):
    answer = subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True, **options
    )
    assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-2000:]
    return answer.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy of the sources: a build leaves files next to them."""
    pytest.importorskip("setuptools", minversion="77")
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps")
    run(*pip, "--no-build-isolation", "--wheel-dir", "dist", ".", folder=folder)
    [path] = (folder / "dist").glob("*.whl")
    return path


@pytest.mark.long
def test_has_every_file_of_the_package_and_no_other(wheel):
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tf_transformer").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    names = zipfile.ZipFile(wheel).namelist()
    assert {name for name in names if ".dist-info/" not in name} == files
    licences = [name for name in names if "/licenses/" in name]
    assert len(licences) == 2
    assert wheel.name == f"tf_transformer-{__version__}-py3-none-any.whl"


def make_environment(folder):
    """A virtual environment with Jupyter but without this package.

    In the short form it has links to the installed dependencies. Otherwise it has
    nothing else, and the wheel brings its dependencies.
    """
    run(sys.executable, "-m", "venv", folder, folder=ROOT)
    if not FAST:
        pip = (folder / "bin" / "python", "-m", "pip", "install", "--quiet")
        run(*pip, "ipykernel", "nbclient", "nbformat", folder=ROOT)
        return
    [packages] = folder.glob("lib/python*/site-packages")
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        link = packages / path.name
        if "tf_transformer" not in path.name and not link.exists():
            link.symlink_to(path)


@pytest.mark.slow
def test_a_notebook_installs_it_into_another_environment(wheel, tmp_path):
    pytest.importorskip("nbclient", reason="pip install '.[notebooks]'")
    make_environment(tmp_path / "other")
    python = tmp_path / "other" / "bin" / "python"
    shutil.copy(wheel, tmp_path)
    source = ROOT / "notebooks" / "en" / "01_attention_from_the_formula.ipynb"
    shutil.copy(source, tmp_path / "notebook.ipynb")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    if FAST:  # nothing may be installed over the links
        environment["PIP_NO_INDEX"] = "1"
    run(python, "-c", RUN_NOTEBOOK, folder=tmp_path, env=environment)
    where = "import tf_transformer as tt; print(tt.__file__, tt.__version__)"
    answer = run(python, "-c", where, folder=tmp_path, env=environment)
    assert str(tmp_path / "other") in answer
    assert __version__ in answer
