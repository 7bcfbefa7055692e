"""Which files of a folder of Marian belong to its model."""

import pytest
import yaml

from tests.importers.test_marian import write_folder
from tf_transformer.importers import marian_folder
from tf_transformer.importers.marian_folder import find_files, read_marian


def write_names(path, model, *vocabularies):
    path.write_text(yaml.safe_dump({"models": [model], "vocabs": [*vocabularies]}))


@pytest.mark.parametrize("name", ["vocab.yml", "opus.vocab.yml", "vocab.en.yml"])
@pytest.mark.parametrize("pieces", ["models: 1\nvocabs: 2\n", "2019-99-01: 1\n"])
def test_a_vocabulary_does_not_name_a_model(name, pieces, tmp_path):
    """Its pieces may be words such as `models`, or look like a wrong date."""
    for file in ("model.npz", "a.spm", "b.spm"):
        (tmp_path / file).touch()
    write_names(tmp_path / "decoder.yml", "model.npz", "a.spm", "b.spm")
    (tmp_path / name).write_text(f"</s>: 0\n{pieces}")
    names = [path.name for path in find_files(tmp_path)]
    assert names == ["model.npz", "a.spm", "b.spm"]


def test_a_whole_path_is_followed_where_it_exists(tmp_path):
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    for folder, names in ((here, ("a.spm", "model.npz")), (elsewhere, ("a.spm",))):
        folder.mkdir()
        for name in names:
            (folder / name).touch()
    paths = elsewhere / "a.spm", tmp_path / "gone" / "a.spm"
    write_names(here / "decoder.yml", "model.npz", *map(str, paths))
    files = find_files(here)
    assert files.source_vocabulary == elsewhere / "a.spm"
    assert files.target_vocabulary == here / "a.spm"


def test_a_shortlist_belongs_to_the_model_only_if_it_is_the_only_one(
    tmp_path, monkeypatch
):
    write_folder(tmp_path)
    monkeypatch.setattr(
        marian_folder, "read_shortlist", lambda path, vocabularies: path.name
    )
    assert read_marian(tmp_path).shortlist is None
    (tmp_path / "lex.50.50.ende.s2t.bin").touch()
    assert read_marian(tmp_path).shortlist == "lex.50.50.ende.s2t.bin"
    (tmp_path / "lex.50.50.deen.s2t.bin").touch()
    assert read_marian(tmp_path).shortlist is None
