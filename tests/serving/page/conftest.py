"""The page in a real browser, with a real service and exported translators."""

import contextlib
import json
import urllib.request
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.chromium import chromium
from tests.export.toy_export import BEAM_SIZE, PAIRS, save_signatures
from tests.serving.patience import until
from tests.serving.served_models import save_words
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.inference.settings import SearchSettings
from tf_transformer.inference.translator import Translator
from tf_transformer.models import RecurrentSeq2Seq

DEMO = Path(__file__).parents[3] / "saved_models" / "demo"
RECURRENT_EXAMPLES = ["a cat ran", "birds fly"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        here = item.path.parent == Path(__file__).parent
        if here and "browser" in item.fixturenames:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="package")  # its event loop must not run in other tests
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def models(browser, toy_export, tmp_path_factory):
    """A folder with `recurrent`, `toy` and `words`, which has no attention."""
    folder = tmp_path_factory.mktemp("models")
    settings = SearchSettings(beam_size=BEAM_SIZE)
    (folder / "toy").symlink_to(toy_export.parent)
    keras.utils.set_random_seed(4)
    tokenizer = Tokenizer.train(PAIRS, vocab_size=330)
    model = RecurrentSeq2Seq(tokenizer.vocab_size, d_model=14, max_length=61)
    generator = np.random.default_rng(6)
    model.set_weights(
        [w + 0.4 * generator.standard_normal(w.shape) for w in model.get_weights()]
    )
    info = {"examples": RECURRENT_EXAMPLES}
    translator, path = Translator(model, tokenizer), folder / "recurrent" / "1"
    save_signatures(translator, settings, path, "nbest", "attend", "info", info=info)
    for version in (2, 3):
        save_words(folder / "words" / str(version), version)
    return folder


@contextlib.contextmanager
def running(listening, folder, token=None, versions="latest"):
    """The address of a service whose models have all been loaded."""
    settings = {"token": token, "versions": versions, "poll_seconds": 1.0}
    settings["timeout"] = 300.0
    with listening(folder, **settings) as (port, _):
        address = f"http://127.0.0.1:{port}/"
        request = urllib.request.Request(f"{address}v1/models")
        request.add_header("Authorization", f"Bearer {token}")

        def all_loaded():
            with urllib.request.urlopen(request) as answer:
                text = answer.read().decode()
            number = len(json.loads(text)["models"])
            return number == len(list(folder.iterdir())) and "LOADING" not in text

        until(all_loaded, seconds=300)
        yield address


@pytest.fixture(scope="package")
def site(models, listening):
    with running(listening, models, versions="all") as address:
        yield address


@pytest.fixture(scope="package")
def guarded_site(browser, listening, tmp_path_factory):
    """`words` alone, behind the token "let me in"."""
    folder = tmp_path_factory.mktemp("guarded")
    save_words(folder / "words" / "1", 1)
    with running(listening, folder, token="let me in") as address:
        yield address


@pytest.fixture(scope="package")
def demo_site(browser, listening, tmp_path_factory):
    """The translator of `make demo`."""
    if not (DEMO / "1" / "saved_model.pb").exists():
        pytest.skip("needs the translator that `make demo` leaves in saved_models/demo")
    folder = tmp_path_factory.mktemp("demo")
    (folder / "demo").symlink_to(DEMO)
    with running(listening, folder) as address:
        yield address


@pytest.fixture(scope="package")
def signatures(models):
    """Signatures of `toy`, called in this process: what the page must show."""
    return tf.saved_model.load(str(models / "toy" / "1")).signatures


@contextlib.contextmanager
def opening(browser):
    """A function that opens an address; afterwards nothing must have gone wrong."""
    contexts, troubles = [], []

    def opened(address, width=1280, model=None, **options):
        viewport = {"width": width, "height": 900}
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(90_000)  # a graph's first call takes long
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.startswith(address) or troubles.append(request.url)
            ),
        )
        page.goto(address)
        page.locator("#state[data-kind=loading]").wait_for(state="detached")
        if model and page.input_value("#model") != model:
            page.select_option("#model", model)
            # the page shows the title of a model, then sends the text again
            page.wait_for_function("name => document.title.endsWith(name)", arg=model)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not troubles


@pytest.fixture
def open_page(browser):
    """`opening` for a test."""
    with opening(browser) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(browser):
    """`opening` for pages that the tests of a file share."""
    with opening(browser) as opened:
        yield opened
