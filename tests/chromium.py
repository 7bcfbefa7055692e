"""A real browser for tests of pages."""

import contextlib
from pathlib import Path

import pytest

BROWSER = Path("/usr/bin/chromium")


@contextlib.contextmanager
def chromium():
    """Starts Chromium; skips the test where it is not installed."""
    playwright = pytest.importorskip(
        "playwright.sync_api",
        reason='needs pip install "tf_transformer[serving-tests]"',
    )
    if not BROWSER.exists():
        pytest.skip(f"needs Debian's package chromium, which has {BROWSER}")
    with playwright.sync_playwright() as driver:
        arguments = {"executable_path": BROWSER, "args": ["--no-sandbox"]}
        browser = driver.chromium.launch(**arguments)
        yield browser
        browser.close()
