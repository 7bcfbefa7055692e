"""`tf-transformer attend`: a table, a page, a picture."""

import pytest

from tests.analysis.small_maps import TEXTS, TRANSLATIONS, small_translator
from tf_transformer import cli
from tf_transformer.analysis.html_page import page
from tf_transformer.analysis.maps import attention_maps
from tf_transformer.analysis.table import table


@pytest.fixture
def run(monkeypatch, tmp_path):
    """A folder that the verb takes for a run; what it translates to is known."""

    class Run:
        translator = staticmethod(small_translator)

    def without_search(translator, texts):
        return attention_maps(translator, texts, TRANSLATIONS[: len(texts)])

    monkeypatch.setattr("tf_transformer.cli.verbs.run_directory", lambda path: Run())
    monkeypatch.setattr("tf_transformer.analysis.maps.attention_maps", without_search)
    return str(tmp_path)


@pytest.fixture(scope="module")
def maps():
    piece_maps = attention_maps(small_translator(), TEXTS, TRANSLATIONS)
    return [text_maps.in_words() for text_maps in piece_maps]


@pytest.mark.parametrize("kind", ["encoder", "decoder", "cross"])
def test_table_names_the_strongest_key_of_every_word(run, maps, capsys, kind):
    assert cli.main(["attend", run, *TEXTS[:2], "--kind", kind]) == 0
    output = capsys.readouterr().out
    assert (
        output == "\n\n".join(table(text_maps, kind) for text_maps in maps[:2]) + "\n"
    )
    lines = [line.split() for line in output.splitlines()]
    weights, keys = maps[0].weights(kind)[-1].mean(axis=0), maps[0].keys(kind)
    for line, query, row in zip(
        lines[1:], maps[0].queries(kind), weights, strict=False
    ):
        best = max(range(len(keys)), key=lambda j, row=row: row[j])
        assert [word for word in line if word] == [
            *query.split(), *keys[best].split(), f"{row[best]:.2f}"
        ]  # fmt: skip


def test_page_shows_all_texts(run, maps, tmp_path, capsys):
    path = tmp_path / "new" / "attention.html"
    assert cli.main(["attend", run, *TEXTS, "--html", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == page(maps)
    assert capsys.readouterr().out == ""
    arguments = ["attend", run, *TEXTS, "--html", str(path), "--kind", "encoder"]
    assert cli.main(arguments) == 0
    assert path.read_text(encoding="utf-8") == page(maps, kind="encoder")


def test_pieces_are_shown_when_asked_for(run, capsys):
    assert cli.main(["attend", run, TEXTS[0], "--kind", "encoder", "--pieces"]) == 0
    assert "\u2581" in capsys.readouterr().out


@pytest.mark.moderate
def test_picture_is_written_or_the_extra_is_named(run, tmp_path, capsys, monkeypatch):
    path = tmp_path / "attention.png"
    with monkeypatch.context() as without:
        without.setitem(__import__("sys").modules, "matplotlib", None)
        assert cli.main(["attend", run, TEXTS[0], "--png", str(path)]) == 1
    assert "tf_transformer[pictures]" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    pytest.importorskip("matplotlib")
    assert cli.main(["attend", run, TEXTS[0], "--png", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")


def test_errors_are_one_line(run, capsys):
    assert cli.main(["attend", run, " "]) == 1
    assert "Expected texts with words" in capsys.readouterr().err
    assert cli.main(["attend", run, "a " * 100]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
