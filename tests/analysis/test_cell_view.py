"""The frame of a page in a notebook's cell."""

import html.parser

from tests.analysis.small_maps import random_maps
from tf_transformer.analysis.cell_view import view
from tf_transformer.analysis.html_page import page


def attributes_of(shown):
    """The attributes of the frame, as a browser reads them."""
    found = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            found.append((tag, dict(attributes)))

    Reader().feed(shown._repr_html_())
    [(tag, attributes)] = found
    assert tag == "iframe"
    return attributes


def test_the_frame_shows_the_page_that_was_asked_for():
    maps, title = [random_maps(5, 4)], 'Heads "of" <it> & more'
    shown = view(maps, title, kind="decoder", height=345)
    attributes = attributes_of(shown)
    assert attributes["srcdoc"] == shown.text == page(maps, title, "decoder")
    assert attributes["title"] == title
    assert "height: 345px;" in attributes["style"]
    other = attributes_of(view(maps))
    assert other["srcdoc"] == page(maps, "Attention", "cross")
    assert "height: 720px;" in other["style"]


def test_the_page_cannot_reach_the_notebook():
    attributes = attributes_of(view([random_maps(3, 4)]))
    assert attributes["sandbox"].split() == ["allow-scripts"]
