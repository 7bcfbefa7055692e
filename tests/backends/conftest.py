"""Models trained on other backends, where these are installed."""

import importlib.util

import pytest

from tests.backends.other_process import run_program
from tests.fast import FAST
from tests.once import folder_made_once


@pytest.fixture(scope="session", params=["jax", "torch"])
def backend(request):
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(
            f"{request.param} is not installed: "
            f"pip install 'tf_transformer[{request.param}]'"
        )
    return request.param


@pytest.fixture(scope="session")
def trained(backend, tmp_path_factory):
    """The folder of a small model, trained on the backend."""

    def train(folder):
        folder.mkdir()
        run_program(backend, "train", folder)

    return folder_made_once(tmp_path_factory, f"trained_on_{backend}", train)


@pytest.fixture
def torch_in_full_only(backend):
    """Skips PyTorch in the short form: what is tested is the same on JAX."""
    if FAST and backend == "torch":
        pytest.skip("only in `.ci/run full`: the same on JAX")
