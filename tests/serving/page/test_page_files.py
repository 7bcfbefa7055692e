"""What the page is made of, read as files: nothing inline, nothing from elsewhere."""

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
