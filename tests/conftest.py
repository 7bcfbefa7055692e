"""What every test starts from: quiet logs, a seed, a private data folder."""

import os
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
_DATA_DIR = tempfile.TemporaryDirectory(prefix="tf_transformer_tfds_")
os.environ["TFDS_DATA_DIR"] = _DATA_DIR.name

import keras  # noqa: E402
import pytest  # noqa: E402

from tests.backend import BACKEND, let_numpy_read_tensors  # noqa: E402

let_numpy_read_tensors()


def pytest_configure(config):
    # raised inside Keras for each `variable.numpy()`
    config.addinivalue_line(
        "filterwarnings", "ignore:__array__ implementation:DeprecationWarning"
    )


def pytest_collection_modifyitems(items):
    skip = pytest.mark.skip(reason=f"about TensorFlow: KERAS_BACKEND={BACKEND} here")
    for item in items:
        if BACKEND != "tensorflow" and item.get_closest_marker("needs_tensorflow"):
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def seed():
    """The same weights and data in every run, whichever tests are chosen."""
    keras.utils.set_random_seed(20171)


@pytest.fixture(autouse=True)
def float32_after_each_test():
    yield
    keras.config.set_dtype_policy("float32")
    keras.utils.clear_session(free_memory=False)
