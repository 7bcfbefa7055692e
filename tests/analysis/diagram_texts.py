"""What the SVG text of a diagram shows."""

import xml.etree.ElementTree as ET
from typing import NamedTuple

from tf_transformer.analysis.diagrams import diagram

SVG = "{http://www.w3.org/2000/svg}"


class Text(NamedTuple):
    """A line of text and its position."""

    text: str
    kind: str
    x: float
    y: float


def root(name, language="en"):
    return ET.fromstring(diagram(name, language).svg)


def texts(name, language="en"):
    return [
        Text(
            element.text,
            element.attrib["class"].removeprefix("tt-"),
            *(float(element.attrib[key]) for key in "xy"),
        )
        for element in root(name, language).iter(f"{SVG}text")
    ]


def codes(name):
    """The lines of code without the heading's, from below, each line from the left."""
    _, _, *rest = texts(name)
    found = [text for text in rest if text.kind == "code"]
    return [text.text for text in sorted(found, key=lambda text: (-text.y, text.x))]


def rectangles(name, kind, language="en"):
    """Left and upper edge, width and height of each rectangle of a class."""
    return [
        tuple(float(element.attrib[key]) for key in ("x", "y", "width", "height"))
        for element in root(name, language).iter(f"{SVG}rect")
        if kind in element.attrib["class"].split()
    ]
