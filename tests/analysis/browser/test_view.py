"""The attention page below a notebook's cell, in a real browser."""

import html
import re

import pytest

from tests.analysis.small_maps import random_maps
from tf_transformer.analysis.cell_view import view

pytestmark = pytest.mark.slow


@pytest.fixture
def shown(browser):
    """A function that shows a view in an offline page; returns page and frame."""
    contexts, troubles = [], []

    def opened(item, scheme="light"):
        context = browser.new_context(
            viewport={"width": 900, "height": 800},
            color_scheme=scheme,
            offline=True,
            locale="en-US",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: troubles.append(request.url))
        page.set_content(f"<p>cell</p>{item._repr_html_()}<p>next cell</p>")
        return page, page.frame_locator("iframe")

    yield opened
    for context in contexts:
        context.close()
    assert [url for url in troubles if url != "about:srcdoc"] == []


def test_a_word_shows_its_weights(shown):
    maps = random_maps(5, 4, seed=3)
    _, frame = shown(view([maps], "My <heads>", kind="decoder"))
    assert frame.locator("h1").inner_text() == "My <heads>"
    assert not frame.locator("#sentence-choice").is_visible()  # there is one sentence
    assert (
        frame.locator("#kinds [aria-checked=true]").inner_text().startswith("Decoder")
    )
    frame.locator("#heads button").first.click()
    frame.locator("#queries button").nth(2).click()
    weights = maps.head("decoder", 1, 1)[2]
    shares = frame.locator("#keys .share").all_inner_texts()
    expected = [f"{weight:.0%}" if weight >= 0.005 else "" for weight in weights]
    found = [int(share[:-1] or 0) for share in shares]
    assert found == pytest.approx([int(share[:-1] or 0) for share in expected], abs=1)
    assert max(found) > 10


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_colours_follow_the_browser_and_the_frame_keeps_its_size(
    shown, scheme, is_dark
):
    page, frame = shown(view([random_maps(5, 4)], height=433), scheme)
    frame.locator("#heads button").first.wait_for()
    colour = frame.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", colour))) < 150) == is_dark
    box = page.locator("iframe").bounding_box()
    assert (box["height"], round(box["width"])) == (433, 884)


def test_the_frame_cannot_reach_the_notebook(shown):
    item = view([random_maps(5, 4)])
    assert html.unescape(item._repr_html_()).count(item.text) == 1
    page, frame = shown(item)
    frame.locator("#heads button").first.wait_for()
    [inner] = [one for one in page.frames if one.parent_frame]
    answer = inner.evaluate("""() => {
      try { return parent.document.title; } catch (error) { return error.name; }
    }""")
    assert answer == "SecurityError"
