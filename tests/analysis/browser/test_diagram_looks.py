"""Diagrams as a browser draws them, with its own fonts."""

import pytest

from tf_transformer.analysis.diagrams import DIAGRAMS, canvas, diagram

pytestmark = pytest.mark.slow

# edges of each text; boxes; points along lines; what the picture's size is
MEASURE = """() => {
  const svg = document.querySelector("svg");
  const edges = element => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    return { left, right, top, bottom, text: element.textContent };
  };
  const points = [];
  for (const path of svg.querySelectorAll("path.tt-line")) {
    for (let at = 0; at <= path.getTotalLength(); at += 2) {
      const point = path.getPointAtLength(at).matrixTransform(path.getScreenCTM());
      points.push([point.x, point.y]);
    }
  }
  const turned = "[transform]";
  return {
    texts: [...svg.querySelectorAll(`text:not(${turned})`)].map(edges),
    boxes: [...svg.querySelectorAll("rect.tt-box")].map(edges),
    cells: [...svg.querySelectorAll("rect.tt-cell")].map(edges),
    paper: edges(svg.querySelector(".tt-paper")),
    all: [...svg.querySelectorAll("text")].map(edges),
    points,
  };
}"""
COLOURS = """() => [".tt-paper", ".tt-title", ".tt-code", ".tt-line"].map(name => {
  const style = getComputedStyle(document.querySelector(name));
  return name === ".tt-line" ? style.stroke : style.fill;
})"""


def overlap(one, other):
    return (
        min(one["right"], other["right"]) > max(one["left"], other["left"]) + 0.5
        and min(one["bottom"], other["bottom"]) > max(one["top"], other["top"]) + 3
    )


def inside(one, other, margin=0.0):
    return (
        one["left"] >= other["left"] + margin
        and one["right"] <= other["right"] - margin
        and one["top"] >= other["top"] - 2
        and one["bottom"] <= other["bottom"] + 2
    )


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    yield page
    page.close()


@pytest.mark.parametrize("language", canvas.LANGUAGES)
def test_texts_stay_in_their_boxes_and_meet_no_line_or_text(page, language):
    for name in DIAGRAMS:
        page.set_content(diagram(name, language).svg)
        found = page.evaluate(MEASURE)
        assert all(inside(text, found["paper"], 6) for text in found["all"]), name
        texts = found["texts"]
        for place, text in enumerate(texts):
            for other in texts[place + 1 :]:
                assert not overlap(text, other), (name, text, other)
            for x, y in found["points"]:
                is_on = text["left"] < x < text["right"]
                is_on = is_on and text["top"] + 3 < y < text["bottom"] - 3
                assert not is_on, (name, text, x, y)
            for box in found["boxes"]:
                if overlap(text, box):
                    assert inside(text, box, 4), (name, text, box)
            assert not [cell for cell in found["cells"] if overlap(text, cell)]


def brightness(colour):
    return sum(int(part) for part in colour.removeprefix("rgb(")[:-1].split(", ")) / 765


def test_colours_follow_the_browser_s_scheme(page):
    page.set_content(diagram("encoder_block").svg)
    for scheme, is_dark in (("light", False), ("dark", True)):
        page.emulate_media(color_scheme=scheme)
        paper, title, code, line = map(brightness, page.evaluate(COLOURS))
        assert (paper < 0.2) == is_dark
        assert (paper > 0.8) != is_dark
        assert abs(paper - title) > 0.6
        assert min(abs(paper - code), abs(paper - line)) > 0.4
