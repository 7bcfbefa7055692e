"""The verb `export`: what it passes to the export."""

import pytest

from tf_transformer import cli
from tf_transformer.export import saved_model
from tf_transformer.inference.settings import SearchSettings
from tf_transformer.runs.directory import RunDirectory


@pytest.mark.parametrize("dtype", [None, "float32", "mixed_float16"])
def test_the_chosen_precision_is_that_of_the_translator(monkeypatch, tmp_path, dtype):
    (tmp_path / "config.json").touch()
    monkeypatch.setattr(RunDirectory, "evaluation", lambda run: {})
    monkeypatch.setattr(
        RunDirectory, "translator", lambda run, batch_size, dtype: dtype
    )
    exported = []

    def export_saved_model(*arguments):
        exported.append(arguments)

    monkeypatch.setattr(saved_model, "export_saved_model", export_saved_model)
    words = ["export", str(tmp_path), str(tmp_path / "models")]
    assert cli.main([*words, *(["--dtype", dtype] if dtype else [])]) == 0
    [(translator, path, *_)] = exported
    assert (translator, path) == (dtype, tmp_path / "models" / "1")


def test_options_of_the_search_are_the_settings(monkeypatch, tmp_path):
    (tmp_path / "config.json").touch()
    exported = []
    monkeypatch.setattr(RunDirectory, "evaluation", lambda run: {})
    monkeypatch.setattr(RunDirectory, "translator", lambda *_: None)
    monkeypatch.setattr(
        saved_model, "export_saved_model", lambda *arguments: exported.append(arguments)
    )
    words = ["--alpha", "0.2", "--min-length", "2", "--max-length", "9"]
    assert cli.main(["export", str(tmp_path), str(tmp_path / "models"), *words]) == 0
    [(_, _, settings, *_)] = exported
    assert settings == SearchSettings(alpha=0.2, min_length=2, max_length=9)
