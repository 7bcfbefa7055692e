"""A folder of small models, and the service for it."""

import contextlib
import shutil
import threading

import pytest
import uvicorn
from starlette.testclient import TestClient

from tests.serving.patience import until
from tests.serving.served_models import save_half_plus_two, save_words
from tests.serving.service_process import Service
from tf_transformer.serving.app import make_app
from tf_transformer.serving.models import Models
from tf_transformer.serving.server import make_config
from tf_transformer.serving.settings import ServiceSettings


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    """Saved once: `half/123`, `words/2`, `words/3`."""
    folder = tmp_path_factory.mktemp("exports")
    save_half_plus_two(folder / "half" / "123")
    for version in (2, 3):
        save_words(folder / "words" / str(version), version)
    return folder


@pytest.fixture
def folder(tmp_path):
    """An empty folder of models."""
    path = tmp_path / "models"
    path.mkdir()
    return path


@pytest.fixture
def add(exports, folder):
    """A function that puts `model/version` of `exports` into `folder`."""

    def copy(what, to=None):
        path = folder / (to or what)
        path.parent.mkdir(exist_ok=True)
        # as a careful operator does: under another name, then renamed
        shutil.copytree(exports / what, path.with_name("." + path.name))
        path.with_name("." + path.name).rename(path)
        return path

    return copy


@pytest.fixture
def models(folder):
    """The `Models` of `folder`; they load a version without waiting."""
    return Models(folder, settle_seconds=0)


@contextlib.contextmanager
def running_service(folder, **settings):
    """A client of the service, once its models answer."""
    settings = ServiceSettings(**{"poll_seconds": 0.05, **settings})
    models = Models(folder, keep_all=settings.versions == "all", settle_seconds=0)
    app = make_app(models, settings)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        until(lambda: client.get("/readyz").status_code == 200, seconds=180)
        yield client


@pytest.fixture(scope="session")
def service():
    return running_service


@pytest.fixture(scope="session")
def client(exports):
    """The service with its usual settings, for tests that change nothing."""
    with running_service(exports, versions="all") as client:
        until(lambda: client.get("/v1/models").text.count("AVAILABLE") == 3)
        yield client


@contextlib.contextmanager
def listening_service(folder, **settings):
    """The service behind a real socket: its port and its server."""
    settings = ServiceSettings(**{"poll_seconds": 0.05, **settings})
    models = Models(folder, keep_all=settings.versions == "all", settle_seconds=0)
    server = uvicorn.Server(make_config(models, settings, port=0))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started and models.ready, 300)
        yield server.servers[0].sockets[0].getsockname()[1], server
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def listening():
    return listening_service


@pytest.fixture
def closing():
    """A function that returns its argument, which is closed after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda resource: stack.enter_context(contextlib.closing(resource))


@pytest.fixture
def start(tmp_path):
    """A function that starts a service, which is ended after the test."""
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((tmp_path / "log").open("w+"))

        def start(folder, *options):
            service = Service(folder, log, *options)
            stack.enter_context(service.process)  # closes its pipe and waits
            stack.callback(service.process.kill)
            return service

        yield start
