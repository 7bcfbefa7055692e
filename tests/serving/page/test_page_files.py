"""The files of the page: no inline scripts, nothing from other sites."""

import html.parser
import re
from pathlib import Path

import pytest

import tf_transformer.serving

FOLDER = Path(tf_transformer.serving.__file__).parent / "page"
FILES = sorted(FOLDER.iterdir())
# ways to make elements out of text
MARKUP = (
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(|srcdoc"
)


class Reader(html.parser.HTMLParser):
    """Elements with their attributes, and the text in scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.inline, self._open = [], "", None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._open = tag

    def handle_data(self, data):
        if self._open in ("script", "style"):
            self.inline += data.strip()


@pytest.fixture(scope="module")
def document():
    return Reader((FOLDER / "index.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_are_short_and_ask_for_nothing_from_elsewhere(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    addresses = re.findall(r"https?://[^\s\"')]+", text)
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}  # a name, not a place
    if path.suffix == ".js":
        assert not re.search(MARKUP, text)


def test_nothing_is_inline(document):
    assert not document.inline
    for tag, attributes in document.elements:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag


def test_every_id_that_a_script_asks_for_exists_once(document):
    ids = [of["id"] for _, of in document.elements if "id" in of]
    assert len(ids) == len(set(ids))
    scripts = "".join(path.read_text() for path in FILES if path.suffix == ".js")
    assert set(re.findall(r'byId\("([^"]+)"\)', scripts)) <= set(ids)


def entries(text, name):
    """The {placeholders} of each text of an object literal in texts.js."""
    (body,) = re.findall(
        rf"^const {name} = {{\n(.*?)^}};", text, re.DOTALL | re.MULTILINE
    )
    string = r'"(?:[^"\\]|\\.)*"'
    found = re.findall(rf"(\w+): ({string}(?:\s*\+\s*{string})*)", body)
    return {key: set(re.findall(r"{(\w+)}", value)) for key, value in found}


def test_every_text_has_its_korean(document):
    texts = (FOLDER / "texts.js").read_text(encoding="utf-8")
    english, korean = entries(texts, "ENGLISH"), entries(texts, "KOREAN")
    assert english == korean
    places = ("data-text", "data-label", "data-placeholder")
    marked = {of[name] for _, of in document.elements for name in places if name in of}
    page = entries(texts, "KOREAN_PAGE").keys()
    assert page <= marked <= page | korean.keys()
    scripts = "".join(p.read_text() for p in FILES if p.suffix == ".js")
    assert set(re.findall(r'say\("(\w+)"', scripts)) <= english.keys()


def test_every_element_with_english_text_is_translated(document):
    text = (FOLDER / "index.html").read_text(encoding="utf-8")
    for attributes, words in re.findall(r"<\w+([^<>]*)>\s*([A-Za-z][^<]*)<", text):
        assert "data-text" in attributes, words


def test_what_the_files_name_is_there(document):
    named = {of.get("href") or of.get("src") for _, of in document.elements} - {None}
    for path in FILES:
        if path.suffix == ".js":
            named |= set(re.findall(r'from "\./([^"]+)"', path.read_text()))
    assert named | {"index.html"} == {path.name for path in FILES}


def test_every_field_has_a_label(document):
    labelled = {of.get("for") for tag, of in document.elements if tag == "label"}
    text = (FOLDER / "index.html").read_text(encoding="utf-8")
    for tag, of in document.elements:
        if tag in ("input", "textarea", "select"):
            wrapped = re.search(rf'<label[^>]*>[^<]*<{tag} id="{of["id"]}"', text)
            assert of["id"] in labelled or wrapped, of
