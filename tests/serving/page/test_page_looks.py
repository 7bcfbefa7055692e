"""The look of the page, with a trained translator."""

import os
import re
from pathlib import Path

import pytest

TIRED = "The animal didn't cross the street because it was too tired."
WIDE = "The animal didn't cross the street because it was too wide."
# text and what is really behind it: every background up to the page's, blended
COLOURS = """elements => elements.filter((element) =>
    element.checkVisibility() && element.textContent.trim()
).map((element) => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const context = canvas.getContext("2d", {willReadFrequently: true});
    const paint = (colour) => {
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
    };
    const read = () => [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    const chain = [];
    for (let e = element; e; e = e.parentElement) chain.unshift(e);
    paint("white");
    for (const e of chain) paint(getComputedStyle(e).backgroundColor);
    const ground = read();
    paint(getComputedStyle(element).color);
    return {ink: read(), ground, element: element.outerHTML};
})"""
READ = (
    "h1, h2, h3, h4, .hint, label, #text, #translation, #nbest .reading, #nbest .score,"
    "#example-list button, .pieces .unit, .switch button, .line .unit, .number, #note,"
    "#summary, .caption b, .caption span, .looks, summary"
)


def luminance(colour):
    """WCAG 2.2's relative luminance of a colour of 0 to 255."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    lighter, darker = sorted(map(luminance, (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def choose_example(page, text):
    page.get_by_role("button", name=text).click()
    page.locator("#attention-parts:not(.old)").wait_for()


def most_attended(page):
    return page.locator("#heads .looks span:first-child").all_text_contents()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_enough_in_light_and_dark(site, open_page, scheme):
    page = open_page(site, model="toy", color_scheme=scheme)
    choose_example(page, TIRED)
    page.locator("#queries button").nth(1).click()
    # the darkest and the lightest shade that there can be
    for index, weight in enumerate(("1", "0.5", "0.25")):
        button = page.locator("#keys button").nth(index)
        button.evaluate("(e, w) => e.style.setProperty('--weight', w)", weight)
    page.wait_for_timeout(300)  # the fading in
    grounds = []
    for found in page.locator(READ).evaluate_all(COLOURS):
        grounds.append(luminance(found["ground"]))
        assert contrast(found["ink"], found["ground"]) >= 4.5, found["element"]
    assert len(grounds) > 60
    is_dark = sorted(grounds)[len(grounds) // 2] < 0.2
    assert is_dark == (scheme == "dark")


def test_nothing_is_animated_with_reduced_motion(site, open_page):
    page = open_page(site, model="toy", reduced_motion="reduce")
    moving = """() => [...document.querySelectorAll("*")].filter((element) => {
        const style = getComputedStyle(element);
        return parseFloat(style.transitionDuration) || style.animationName !== "none";
    }).length"""
    assert page.evaluate(moving) == 0
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(moving) > 0


def test_screen_readers_know_the_languages(site, open_page):
    page = open_page(site, model="toy")
    choose_example(page, TIRED)
    languages = {"#text": "en", "#translation": "ko", "#queries": "ko", "#keys": "en"}
    for place, language in languages.items():
        assert page.locator(place).get_attribute("lang") == language
    tree = page.locator("body").aria_snapshot()
    for line in (
        'heading "English → Korean" [level=1]',
        'textbox "English"',
        'radiogroup "Kind of attention"',
        'radio "Cross" [checked]',
        'region "All heads"',
    ):
        assert line in tree


@pytest.mark.parametrize("locale", ["ko-KR", "ko"])
def test_the_page_speaks_korean_to_a_korean_browser(site, open_page, locale, tmp_path):
    page = open_page(site, model="toy", locale=locale)
    assert page.locator("html").get_attribute("lang") == "ko"
    assert "입력하면" in page.locator("#state").text_content()
    choose_example(page, TIRED)
    page.locator("#queries button").nth(1).click()
    page.locator("#about summary").click()
    tree = page.locator("body").aria_snapshot()
    for line in (
        'heading "영어 → 한국어" [level=1]',
        'textbox "영어"',
        'radiogroup "어텐션의 종류"',
        'radio "크로스" [checked]',
        'region "모든 헤드"',
    ):
        assert line in tree
    own = page.locator("body [data-text], h1, h2, h3, h4, dt, .name, .switch button")
    shown = " ".join(own.all_inner_texts())
    assert set(re.findall("[A-Za-z]{2,}", shown)) <= {"Tab", "Enter", "Escape"}
    folder = Path(os.environ.get("TF_TRANSFORMER_PICTURES", tmp_path))
    page.screenshot(path=folder / "page.ko.png", full_page=True)


def test_other_browsers_are_answered_in_english(site, open_page):
    page = open_page(site, model="toy", locale="de-DE")
    assert page.locator("html").get_attribute("lang") == "en"
    assert "as you type" in page.locator("#state").text_content()


def test_it_finds_its_noun(demo_site, open_page, tmp_path):
    """While Korean names what *it* is, the last layer attends to that noun.

    How many of its heads do differs from one training to the next.
    """
    page = open_page(demo_site)
    for text, start, noun, translation in (
        (WIDE, "길", "street", "길이 너무 넓어서 그 동물은 길을 건너지 않았다."),
        (TIRED, "동물", "animal", "그 동물은 너무 피곤해서 길을 건너지 않았다."),
    ):
        choose_example(page, text)
        assert page.locator("#translation").text_content() == translation
        held = page.locator("#queries [aria-pressed=true] .unit").text_content()
        assert held.startswith(start)
        last_layer = most_attended(page)[4:]
        [other] = {"street", "animal"} - {noun}
        assert last_layer.count(noun) > last_layer.count(other), last_layer
        assert noun in page.locator("#note").text_content()
    folder = Path(os.environ.get("TF_TRANSFORMER_PICTURES", tmp_path))
    page.mouse.move(0, 0)
    page.screenshot(path=folder / "page.png", full_page=True)
    assert (folder / "page.png").stat().st_size > 50_000
