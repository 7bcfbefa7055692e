"""`tf-transformer import`, and the verbs on the run that it makes."""

import json

import numpy as np
import pytest

import tf_transformer as tt
from tests.document_blocks import python_blocks
from tests.importers.hugging_face_folders import (
    LANGUAGES,
    SOURCE_LINES,
    TARGET_LINES,
    TEXTS,
    write_model,
)
from tf_transformer import cli
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.runs.directory import RunDirectory

for name in ("transformers", "torch"):
    pytest.importorskip(name, reason="pip install 'tf_transformer[marian-tests]'")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of Hugging Face's Marian under the name `opus`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "opus").mkdir()
    write_model(tmp_path / "opus")
    return tmp_path


def run(*command):
    return cli.main(list(command))


@pytest.mark.long
def test_the_run_is_the_translator_and_goes_back(folder, capsys):
    assert run("import", "opus", "--run", "runs/opus") == 0
    assert "tf-transformer translate runs/opus" in capsys.readouterr().out
    translator = tt.import_translator("opus")
    loaded = RunDirectory("runs/opus").translator()
    for one, other in zip(translator.model.weights, loaded.model.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert loaded.model.arguments() == translator.model.arguments()
    expected = translator(SOURCE_LINES[:2], beam_size=2)
    assert run("translate", "runs/opus", *SOURCE_LINES[:2], "--beam-size", "2") == 0
    found = capsys.readouterr().out.splitlines()
    assert found == [text.replace("\n", " ") for text in expected]
    assert run("info", "runs/opus") == 0
    contents = json.loads(capsys.readouterr().out)
    origin = {"format": "hugging_face", "path": str(folder / "opus")}
    assert contents["imported"] == origin
    training = contents["training"]
    depths = [training[f"num_{side}_layers"] for side in ("encoder", "decoder")]
    blocks = (loaded.model.encoder.blocks, loaded.model.decoder.blocks)
    assert depths == [len(side) for side in blocks]
    assert training["decoder"] == "self_attention"
    # the settings of a vocabulary that is trained here say nothing about this one
    assert training["vocab_size"] is training["source_normalization"] is None
    assert Tokenizer.from_files(*training["tokenizer"], shared=True).vocab_size == (
        loaded.tokenizer.vocab_size
    )
    assert run("export", "runs/opus", "saved", "--shortlist") == 1
    assert "The run has no shortlist. Expected" in capsys.readouterr().err
    assert run("export", "runs/opus", "back", "--format", "hugging_face") == 0
    again = tt.import_translator("back/1")
    for one, other in zip(translator.model.weights, again.model.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.long
def test_the_doctor_examines_the_run(folder, capsys):
    assert run("import", "opus", "--run", "opus-run") == 0
    assert run("doctor", "opus-run") == 0
    assert ": 0 findings" in capsys.readouterr().out


@pytest.mark.long
def test_the_program_of_the_document_runs(folder, capsys):
    [program] = python_blocks("docs/importing.md")
    (folder / "opus").rename("opus-mt-en-de")
    exec(program, {})
    assert capsys.readouterr().out.startswith("[")


@pytest.mark.slow
@pytest.mark.needs_tensorflow
def test_the_export_gives_the_strings_of_python(folder):
    from tf_transformer.export.saved_translator import SavedTranslator

    assert run("import", "opus", "--run", "opus-run") == 0
    assert run("export", "opus-run", "saved", "--beam-size", "2") == 0
    translator = RunDirectory("opus-run").translator()
    texts = [*TEXTS, f"{LANGUAGES[1]} {TEXTS[1]}"]
    found = SavedTranslator(folder / "saved" / "1")(texts)
    assert list(found) == translator(texts, beam_size=2)


def test_errors_are_one_line(folder, capsys):
    (folder / "opus" / "source.spm").rename(folder / "opus" / "elsewhere.spm")
    (folder / "runs").mkdir()
    (folder / "runs" / "config.json").touch()
    for command, message in (
        (["import", "opus", "--run", "a"], "lacks a file. Expected source.spm"),
        (["import", "nothing", "--run", "a"], "nothing is downloaded"),
        (["import", "opus", "--run", "runs"], "does not replace a run"),
    ):
        assert cli.main(command) == 1
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith("tf-transformer: ")
        assert message in line
    assert not (folder / "a").exists()


@pytest.mark.moderate
def test_an_import_that_was_stopped_is_repeated(folder, capsys, monkeypatch):
    def full_disk(*_):
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("tf_transformer.runs.importing.save_weights", full_disk)
        assert run("import", "opus", "--run", "own") == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line == "tf-transformer: No space left on device"
    assert not RunDirectory("own").exists()
    assert run("import", "opus", "--run", "own") == 0
    assert RunDirectory("own").translator().model.weights


@pytest.mark.full
@pytest.mark.slow
def test_a_training_starts_from_the_run_and_is_resumed(folder, capsys):
    assert run("import", "opus", "--run", "opus-run") == 0
    pairs = zip(SOURCE_LINES, TARGET_LINES, strict=True)
    lines = [f"{source} {i}\t{target} {i}\n" for source, target in pairs for i in "ab"]
    (folder / "pairs.tsv").write_text("".join(lines))
    command = ["train", "--init-from", "opus-run", "--run", "own", "--data"]
    command += ["pairs.tsv", "--monitor", "nll", "--validation-sentences", "0"]
    assert run(*command, "--peak", "1e-30", "--epochs", "1") == 0
    own, imported = (RunDirectory(p).translator() for p in ("own", "opus-run"))
    assert own.model.arguments() == imported.model.arguments()
    configs = [RunDirectory(name).config() for name in ("own", "opus-run")]
    sizes = ("num_encoder_layers", "num_decoder_layers", "d_model", "num_heads", "d_ff")
    for name in ("tokenizer", *sizes, "decoder"):
        one, other = (getattr(config, name) for config in configs)
        assert one == other is not None
    assert run(*command, "--decoder", "ssru") == 1
    assert "decoder='ssru' instead of 'self_attention'" in capsys.readouterr().err
    for one, other in zip(own.model.weights, imported.model.weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    (folder / "opus-run" / "config.json").unlink()  # it is no longer needed
    assert run(*command, "--peak", "1e-30", "--epochs", "2") == 0
    assert "Resuming after update " in capsys.readouterr().out
