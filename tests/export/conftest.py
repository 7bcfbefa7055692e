"""One exported folder for all tests of this package."""

from pathlib import Path

import pytest

from tests.export.toy_export import make_translator
from tf_transformer.export.saved_translator import SavedTranslator


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """To export every signature takes many seconds."""
    for item in items:
        here = item.path.parent == Path(__file__).parent
        if here and "exported" in item.fixturenames:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def translator():
    return make_translator()


@pytest.fixture(scope="session")
def exported(toy_export):
    return toy_export


@pytest.fixture(scope="session")
def saved(exported):
    return SavedTranslator(exported)
