"""The attention on the page is that of the signature `attend`."""

import numpy as np
import pytest

from tests.serving.patience import until
from tf_transformer.analysis.heads import head_statistics
from tf_transformer.analysis.saved_maps import attention_maps_of_saved_model

TEXT = "the old dog sat on a mat"
KINDS = ("encoder", "decoder", "cross")
HALF = 0.502  # percents are rounded; 32-bit numbers differ in their last digits
LINES = """() => Object.fromEntries(["queries", "keys"].map((side) => [side,
    [...document.querySelectorAll(`#${side} button`)].map((button) => ({
        text: button.querySelector(".unit").textContent,
        number: parseFloat(button.querySelector(".number").textContent || "0"),
        shade: Number(button.style.getPropertyValue("--weight")),
        chosen: button.classList.contains("chosen"),
    }))]))"""
CELLS = """canvas => {
    const {width, height} = canvas;
    const {data} = canvas.getContext("2d").getImageData(0, 0, width, height);
    return {width, height, alpha: [...data].filter((_, i) => i % 4 === 3)};
}"""


@pytest.fixture(scope="module")
def maps(models):
    return attention_maps_of_saved_model(models / "toy" / "1", [TEXT])[0]


@pytest.fixture(scope="module")
def shown_page(site, pages):
    """The page with the attention of `TEXT`, opened once."""
    return show_attention(pages(site, model="toy"))


@pytest.fixture
def toy_page(shown_page):
    """The same page, with no token chosen."""
    shown_page.keyboard.press("Escape")
    shown_page.mouse.move(0, 0)
    return shown_page


def show_attention(page, text=TEXT):
    page.locator("#text").fill(text)
    page.locator("#attention-parts:not(.old)").wait_for()
    return page


def choose(page, kind, unit, head=None):
    page.get_by_role("radio", name=kind.capitalize(), exact=True).click()
    page.get_by_role("radio", name=unit, exact=True).click()
    if head is not None:
        page.locator("#heads button").nth(head).click()


@pytest.mark.parametrize("kind", KINDS)
def test_a_hovered_token_shows_the_weights_of_attend(toy_page, maps, kind):
    weights = maps.weights(kind).reshape(-1, *maps.weights(kind).shape[2:])
    choose(toy_page, kind, "Tokens")
    places = {"queries": (0, 2, -1), "keys": (1, -2)}
    # all heads are in test_maps_and_entropies_of_all_heads
    for head in (0, 4):
        matrix = weights[head]
        toy_page.locator("#heads button").nth(head).click()
        for side, indices in places.items():
            for index in indices:
                toy_page.locator(f"#{side} button .unit").nth(index).hover()
                lines = toy_page.evaluate(LINES)
                other = "keys" if side == "queries" else "queries"
                row = matrix[index] if side == "queries" else matrix[:, index]
                numbers = [unit["number"] for unit in lines[other]]
                np.testing.assert_allclose(numbers, 100 * row, atol=HALF)
                shades = [unit["shade"] for unit in lines[other]]
                np.testing.assert_allclose(shades, row, atol=1e-5)
                chosen = [unit["chosen"] for unit in lines[side]]
                assert chosen.index(True) == index % len(chosen)
                assert sum(unit["number"] for unit in lines[side]) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_words_are_those_of_the_analysis(toy_page, maps, kind):
    in_words = maps.in_words()
    choose(toy_page, kind, "Words", head=4)
    names = {"<s>": "start", "</s>": "end"}
    for index in range(len(in_words.queries(kind))):
        toy_page.locator("#queries button .unit").nth(index).hover()
        lines = toy_page.evaluate(LINES)
        for side, expected in (("queries", in_words.queries), ("keys", in_words.keys)):
            words = [names.get(word, word or "␣space") for word in expected(kind)]
            assert [unit["text"] for unit in lines[side]] == words
        numbers = [unit["number"] for unit in lines["keys"]]
        row = in_words.head(kind, 2, 2)[index]
        np.testing.assert_allclose(numbers, 100 * row, atol=HALF)


@pytest.mark.parametrize("kind", KINDS)
def test_maps_and_entropies_of_all_heads(toy_page, maps, kind):
    choose(toy_page, kind, "Tokens")
    entropies = head_statistics([maps], kind)["entropy_share"].ravel()
    weights = maps.weights(kind)
    buttons = toy_page.locator("#heads button").all()
    assert len(buttons) == weights.shape[0] * weights.shape[1]
    for button, matrix, entropy in zip(
        buttons,
        weights.reshape(-1, *weights.shape[2:]),
        entropies,
        strict=True,
    ):
        cells = button.locator("canvas").evaluate(CELLS)
        assert (cells["height"], cells["width"]) == matrix.shape
        alpha = np.reshape(cells["alpha"], matrix.shape) / 255
        np.testing.assert_allclose(alpha, matrix, atol=0.01)
        shown = float(button.locator(".caption span").text_content())
        assert shown == pytest.approx(entropy, abs=0.00501)
        assert f"entropy {shown:.2f}" in button.get_attribute("aria-label")


def test_the_chosen_token_is_named_and_marked_in_every_head(toy_page, maps):
    choose(toy_page, "cross", "Tokens", head=1)
    toy_page.locator("#queries button").nth(1).click()
    toy_page.mouse.move(0, 0)
    row = maps.head("cross", 1, 2)[1]
    summary = toy_page.locator("#summary").text_content()
    assert f"{np.max(row):.0%}" in summary and "attends to" in summary
    for button, weights in zip(
        toy_page.locator("#heads button").all(),
        maps.cross.reshape(-1, *maps.cross.shape[2:]),
        strict=True,
    ):
        assert f"{weights[1].max():.0%}" in button.locator(".looks").text_content()
        top = button.locator(".marker").evaluate("e => parseFloat(e.style.top)")
        assert top == pytest.approx(100 / len(maps.target), abs=0.01)
    assert toy_page.locator("#threads path").count() == np.sum(row >= 0.01)


def test_everything_is_reached_by_keyboard(site, maps, open_page):
    page = open_page(site, model="toy")
    focused = "document.activeElement.id || document.activeElement.closest('[id]').id"

    def tab_to(name):
        for _ in range(12):
            page.keyboard.press("Tab")
            if page.evaluate(focused) == name:
                return
        raise AssertionError(f"{name} is not reached")

    page.evaluate("document.activeElement.blur()")
    tab_to("text")
    page.keyboard.type(TEXT)
    until(lambda: page.locator("#text").input_value() == TEXT)
    page.locator("#attention-parts:not(.old)").wait_for()
    tab_to("kinds")
    page.keyboard.press("ArrowLeft")
    tab_to("units")
    page.keyboard.press("ArrowRight")
    assert "Decoder" in page.locator("#head-title").text_content()
    tab_to("queries")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    tab_to("keys")
    tab_to("heads")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Home")  # no such key here
    title = page.locator("#head-title").text_content()
    layer, head = (int(part.split()[-1]) for part in title.split(",")[1:])
    assert layer == 1
    numbers = [unit["number"] for unit in page.evaluate(LINES)["keys"]]
    row = maps.head("decoder", layer, head)[2]
    np.testing.assert_allclose(numbers, 100 * row, atol=HALF)
    page.keyboard.press("Escape")
    assert page.locator(".line .chosen").count() == 0


def test_arrow_keys_cross_between_the_lines(toy_page):
    choose(toy_page, "encoder", "Tokens")
    toy_page.locator("#queries button").nth(3).focus()
    toy_page.keyboard.press("ArrowDown")
    assert "is attended to by" in toy_page.locator("#summary").text_content()
    assert [unit["chosen"] for unit in toy_page.evaluate(LINES)["keys"]].index(
        True
    ) == 3
    toy_page.keyboard.press("End")
    toy_page.keyboard.press("ArrowUp")
    assert toy_page.evaluate(LINES)["queries"][-1]["chosen"]


def test_a_recurrent_model_has_cross_attention_alone(site, models, open_page):
    page = show_attention(open_page(site, model="recurrent"))
    (maps,) = attention_maps_of_saved_model(models / "recurrent" / "1", [TEXT])
    choose(page, "cross", "Tokens")
    assert page.locator("#kinds button").all_text_contents() == ["Cross"]
    assert "cross-attention only" in page.locator("#attention-state").text_content()
    page.locator("#queries button .unit").first.hover()
    numbers = [unit["number"] for unit in page.evaluate(LINES)["keys"]]
    np.testing.assert_allclose(numbers, 100 * maps.cross[0, 0, 0], atol=HALF)


def test_attention_of_a_long_text_waits_for_a_word(site, open_page):
    page = open_page(site, model="toy")
    page.locator("#text").fill("a cat" + " " * 400 + "sat")
    page.locator("#attention-anyway").click()
    page.locator("#attention-parts:not(.old)").wait_for()
    assert page.locator("#source-pieces li").count() > 3


@pytest.mark.parametrize("width", [320, pytest.param(360, marks=pytest.mark.full)])
def test_a_phone_scrolls_downwards_only(site, open_page, width):
    options = {"has_touch": True, "is_mobile": True}
    page = show_attention(
        open_page(site, width, "toy", **options), TEXT + " supercalifragilistic"
    )
    for unit in ("Words", "Tokens"):
        choose(page, "encoder", unit)
        page.locator("#queries button").nth(2).tap()
        page.locator("#queries .chosen").first.wait_for()
        assert page.locator("#queries .chosen").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = [word.bounding_box() for word in page.locator(".line button").all()]
        assert all(box["x"] >= 0 for box in boxes)
        assert all(box["x"] + box["width"] <= width for box in boxes)
        assert min(box["height"] for box in boxes) >= 24  # a finger finds it
