"""One exported folder for all tests of this room."""

from pathlib import Path

import pytest

from tests.export.toy_export import BEAM_SIZE, make_translator
from tf_transformer.export.saved_model import SavedTranslator, export_saved_model
from tf_transformer.inference.search import SearchSettings


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
def exported(translator, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved_models") / "toy" / "1"
    settings = SearchSettings(beam_size=BEAM_SIZE)
    return export_saved_model(translator, path, settings, {"languages": ["en", "ko"]})


@pytest.fixture(scope="session")
def saved(exported):
    return SavedTranslator(exported)
