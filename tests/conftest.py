"""Fixtures of all tests: quiet logs, a seed, a private data folder."""

import gc
import os
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has its own core
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
_DATA_DIR = tempfile.TemporaryDirectory(prefix="tf_transformer_tfds_")
os.environ["TFDS_DATA_DIR"] = _DATA_DIR.name

import pytest  # noqa: E402

from tests.fast import FAST  # noqa: E402
from tests.once import folder_made_once  # noqa: E402


def pytest_configure(config):
    # pytest-xdist's first process runs no test and needs no Keras
    is_worker = hasattr(config, "workerinput")
    if is_worker or not config.getoption("numprocesses", None):
        from tests.backend import let_numpy_read_tensors

        let_numpy_read_tensors()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    if config.getvalue("dist") != "loadscope":
        return None
    from tests.scheduling import SharedFixtures

    return SharedFixtures(config, log)


def pytest_collection_modifyitems(items):
    from tests.backend import BACKEND
    from tests.order import place_in_order

    skip = pytest.mark.skip(reason=f"about TensorFlow: KERAS_BACKEND={BACKEND} here")
    only_full = pytest.mark.skip(reason="only in `.ci/run full`")
    for item in items:
        if BACKEND != "tensorflow" and item.get_closest_marker("needs_tensorflow"):
            item.add_marker(skip)
        if FAST and item.get_closest_marker("full"):
            item.add_marker(only_full)
    items.sort(key=lambda item: place_in_order(item.nodeid))


@pytest.fixture(scope="session")
def toy_export(tmp_path_factory):
    """The export of the toy translator with all signatures, as `.../toy/1`."""
    from tests.export.toy_export import export_toy

    return folder_made_once(tmp_path_factory, "toy_export", export_toy) / "toy" / "1"


@pytest.fixture(scope="module", autouse=True)
def garbage_of_this_file_only():
    """Objects of before are not looked at again by collections of garbage.

    Keras collects for each layer that it quantizes, and Python does while functions are
    traced: a second each time, with the objects of TensorFlow and of all other tests.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def seed():
    """The same weights and data in every run, whichever tests are chosen."""
    import keras

    keras.utils.set_random_seed(20171)


@pytest.fixture(autouse=True)
def float32_after_each_test():
    import keras

    yield
    keras.config.set_dtype_policy("float32")
    keras.utils.clear_session(free_memory=False)
