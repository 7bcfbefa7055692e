"""Pages and diagrams of the analysis in a real browser."""

import pytest

from tests.chromium import chromium


@pytest.fixture(scope="package")  # its event loop must not run in other tests
def browser():
    with chromium() as browser:
        yield browser
