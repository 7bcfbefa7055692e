"""The attention page: its data are complete and escaped, and nothing is downloaded."""

import html.parser
import json
import re

import numpy as np
import pytest

from tests.analysis.small_maps import random_maps
from tf_transformer.analysis.heads import head_statistics
from tf_transformer.analysis.html_page import page
from tf_transformer.analysis.maps import AttentionMaps


class Reader(html.parser.HTMLParser):
    """What a browser would see: elements, their attributes, text by element."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self._open = [], {}, None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        self._open = attributes.get("id", tag)

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        self.texts[self._open] = self.texts.get(self._open, "") + data


def data_of(text):
    return json.loads(Reader(text).texts["data"])["sentences"]


def with_words(*words):
    """Maps whose source has these words."""
    maps = random_maps(len(words) + 1, 3)
    return AttentionMaps(
        (*words, "</s>"), maps.target, maps.read, maps.cross, maps.encoder
    )


def test_data_can_be_read_from_the_page():
    all_maps = [random_maps(5, 4, seed=1), random_maps(3, 6, seed=2)]
    sentences = data_of(page(all_maps))
    for sentence, maps in zip(sentences, all_maps, strict=True):
        assert sentence["title"] == " ".join(maps.source[:-1])
        assert list(sentence["kinds"]) == ["encoder", "decoder", "cross"]
        for kind, shown in sentence["kinds"].items():
            assert tuple(shown["queries"]) == maps.queries(kind)
            assert tuple(shown["keys"]) == maps.keys(kind)
            weights = np.array(shown["weights"]) / 1000
            np.testing.assert_allclose(weights, maps.weights(kind), atol=5.1e-4)
            entropy = head_statistics([maps], kind)["entropy_share"]
            np.testing.assert_allclose(shown["entropy"], entropy, atol=5.1e-4)


NASTY = [
    "</script><script>alert(1)</script>",
    "<!--",
    "<script>",
    "&lt;",
    '"\\',
    "\u2028",
]


def test_words_are_data_and_never_elements():
    plain, nasty = page([with_words(*"abcdef")]), page([with_words(*NASTY)])
    assert Reader(nasty).elements == Reader(plain).elements
    shown = data_of(nasty)[0]["kinds"]["encoder"]
    assert shown["keys"] == [*NASTY, "</s>"]
    assert Reader(nasty).texts["script"] == Reader(plain).texts["script"]


@pytest.mark.parametrize("word", ["{{script}}", "{{data}}", r"\g<0>\1"])
def test_words_and_title_are_not_filled_in(word):
    text = page([with_words(word, "a")], title=f"<i>{word}")
    assert data_of(text)[0]["kinds"]["encoder"]["keys"][0] == word
    reader = Reader(text)
    assert reader.texts["title"] == reader.texts["h1"].strip() == f"<i>{word}"
    assert "i" not in [tag for tag, _ in reader.elements]


def test_nothing_is_fetched():
    text = page([random_maps(5, 4)])
    assert not re.search(r"https?:|//[a-z]|@import|url\(", text)
    for tag, attributes in Reader(text).elements:
        assert tag not in ("link", "img", "iframe")
        assert not {"src", "href", "onclick"} & attributes.keys()
    assert "default-src 'none'" in text
    assert "innerHTML" not in text


def test_every_element_that_the_program_asks_for_is_there():
    reader = Reader(page([random_maps(5, 4)]))
    found = {attributes.get("id") for _, attributes in reader.elements}
    used = set(re.findall(r'[bB]yId\("([\w-]+)"\)', reader.texts["script"]))
    assert len(used) > 8
    assert used <= found


def test_a_title_of_pieces_is_text():
    maps = with_words("\u2581the", "\u2581str", "eet")
    assert data_of(page([maps]))[0]["title"] == "the street"
    # the piece of a language has no mark of a space
    maps = with_words(">>deu<<", "\u2581the", "\u2581str", "eet")
    assert data_of(page([maps]))[0]["title"] == ">>deu<< the street"


def test_a_kind_that_has_no_entropy_is_still_json():
    one = np.ones((1, 1, 1, 1))
    maps = AttentionMaps(
        ("a", "</s>"), ("b",), ("<s>",), one[..., [0, 0]] / 2, None, one
    )
    assert data_of(page([maps]))[0]["kinds"]["decoder"]["entropy"] == [[0.0]]


def test_the_first_kind_can_be_chosen():
    maps = [random_maps(5, 4)]
    for kind in ("encoder", "decoder", "cross"):
        data = json.loads(Reader(page(maps, kind=kind)).texts["data"])
        assert data["kind"] == kind
    assert json.loads(Reader(page(maps)).texts["data"])["kind"] == "cross"
    with pytest.raises(ValueError, match=r"no such attention\..*Received: 'nose'"):
        page(maps, kind="nose")
