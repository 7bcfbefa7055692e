"""The folder of a run is valid, or refused with a reason."""

import dataclasses
import json

import pytest

from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.directory import FORMAT_VERSION, RunDirectory
from tf_transformer.utils.atomic import read_json, replacing, write_json


def write_config(folder, **changes):
    contents = {
        "format_version": FORMAT_VERSION,
        "training": dataclasses.asdict(TrainingConfig(epochs=7).resolved()),
        "model": {},
        **changes,
    }
    (folder / "config.json").write_text(json.dumps(contents), encoding="utf-8")


def test_config_is_read_back_unchanged(tmp_path):
    write_config(tmp_path)
    assert RunDirectory(tmp_path).config() == TrainingConfig(epochs=7).resolved()


def test_folder_of_a_newer_version_is_refused(tmp_path):
    write_config(tmp_path, format_version=FORMAT_VERSION + 1)
    with pytest.raises(ValueError, match="newer tf_transformer.*Received: 2"):
        RunDirectory(tmp_path).contents()


def test_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"no config.json.*{tmp_path.name}"):
        RunDirectory(tmp_path).translator()


def test_run_without_a_finished_epoch_cannot_translate(tmp_path):
    write_config(tmp_path)
    with pytest.raises(FileNotFoundError, match="No epoch .* finished"):
        RunDirectory(tmp_path).translator()


def test_scores_of_test_sets_stand_side_by_side(tmp_path):
    run = RunDirectory(tmp_path)
    run.add_evaluation("one", {"bleu": 1.5})
    run.add_evaluation("two", {"bleu": 2.5})
    run.add_evaluation("one", {"bleu": 3.5})
    assert RunDirectory(tmp_path).evaluation() == {
        "one": {"bleu": 3.5},
        "two": {"bleu": 2.5},
    }


def test_broken_json_is_named(tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="evaluation.json is not valid JSON"):
        RunDirectory(tmp_path).evaluation()


def test_file_is_complete_or_unchanged(tmp_path):
    path = tmp_path / "new folder" / "file.json"
    write_json(path, {"글": 1})
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert read_json(path) == {"글": 1}
    assert [p.name for p in path.parent.iterdir()] == ["file.json"]


def test_preset_fills_in_missing_settings():
    config = TrainingConfig(preset="small", warmup_steps=77).resolved()
    assert config.warmup_steps == 77
    assert config.batch_tokens == 1536
    assert config.peak == 1.5e-3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"preset": "huge"}, "Expected one of tiny.* Received: 'huge'"),
        ({"dtype": "bfloat16"}, "Unknown dtype.*mixed_bfloat16"),
        ({"monitor": "val_nll"}, "Unknown monitor.*nll"),
        ({"bleu_tokenize": "13b"}, "Unknown bleu_tokenize.*13a"),
        ({"epochs": 0}, "epochs must be at least 1. Received: 0"),
        ({"peak": 0.0}, "peak must be above 0. Received: 0.0"),
        ({"average_last": 0}, "average_last must be at least 1. Received: 0"),
        ({"ema_momentum": 1.0}, "ema_momentum must lie between 0 and 1.*1.0"),
        (
            {"ema_momentum": 0.9, "average_last": 5},
            "averaged in one way only.*average_last=5",
        ),
        ({"validation_sentences": 0}, "or monitor='nll'"),
        ({"train_source": "a.de"}, "needs its target file.*train_source=a.de"),
        ({"valid_source": "a", "valid_target": "b"}, "go with training files"),
        ({"data": "a", "train_source": "b", "train_target": "c"}, "named twice"),
        ({"target_normalization": "nfd"}, "Expected one of nmt_nfkc.*'nfd'"),
        ({"tokenizer": "a.model"}, "tokenizer has the wrong type.*'a.model'"),
        (
            {"tokenizer": ["a"], "target_normalization": "nfkc"},
            "with tokenizer. Received: target_normalization='nfkc'",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**settings).resolved()


def test_telemetry_is_refused_before_training_on_other_backends(monkeypatch):
    assert TrainingConfig(telemetry=30).resolved().telemetry == 30
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    assert TrainingConfig().resolved().telemetry is None
    with pytest.raises(ValueError, match="Received: telemetry=30 on jax"):
        TrainingConfig(telemetry=30).resolved()


def test_files_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = TrainingConfig(train_source="a.de", train_target="a.en").resolved()
    assert config.train_source == (str(tmp_path / "a.de"),)
    assert config.data is None
    assert TrainingConfig().resolved().data == "en_ko_grammar"
    own = TrainingConfig(tokenizer=["a.model", "b.model"]).resolved()
    assert own.tokenizer == (str(tmp_path / "a.model"), str(tmp_path / "b.model"))


def test_folder_of_another_program_is_no_run(tmp_path):
    (tmp_path / "config.json").write_text('{"architectures": []}', encoding="utf-8")
    with pytest.raises(FileNotFoundError, match="another program wrote"):
        RunDirectory(tmp_path).contents()
