"""Models trained on other backends, where these are installed."""

import importlib.util

import pytest

from tests.backends.other_process import run_program


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
    folder = tmp_path_factory.mktemp(backend)
    run_program(backend, "train", folder)
    return folder
