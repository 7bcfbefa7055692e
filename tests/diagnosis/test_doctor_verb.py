"""`tf-transformer doctor`."""

import json

import keras
import numpy as np
import pytest

from tests.diagnosis import parts
from tf_transformer.cli import main
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.runs.training import make_model


@pytest.fixture
def leaking_file(tmp_path):
    path = str(tmp_path / "model.keras")
    model = parts.sequential(keras.layers.Conv1D(5, 3, padding="same", name="conv"))
    model.build((None, None))
    model.save(path)
    return path


def test_a_fault_ends_with_1_and_names_its_layer(leaking_file, tmp_path, capsys):
    np.savez(tmp_path / "inputs.npz", ids=parts.ids())
    arguments = ["--inputs", str(tmp_path / "inputs.npz"), "--causal"]
    assert main(["doctor", leaking_file, *arguments]) == 1
    out, error = capsys.readouterr()
    assert "causality" in out
    assert "conv (Conv1D)" in out
    assert error == "tf-transformer: The doctor found faults: 2\n"


def test_json_and_picture(leaking_file, tmp_path, capsys):
    picture = tmp_path / "influence.png"
    keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(parts.VOCAB, parts.WIDTH),
            keras.layers.Conv1D(5, 3, padding="causal"),
        ]
    ).save(leaking_file)
    arguments = ["doctor", leaking_file, "--causal", "--json"]
    assert main([*arguments, "--picture", str(picture)]) == 0
    report = json.loads(capsys.readouterr().out)
    status = {check["name"]: check["status"] for check in report["checks"]}
    assert status["causality"] == status["padding"] == "passed"
    [influence] = report["influence"].values()
    matrix = np.array(influence["matrix"])
    # the kernel reads a token and the two before
    assert np.array_equal(matrix > 1e-6, np.tri(9) - np.tri(9, k=-3) > 0)
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.keras"], "There is no such file"),
        (["."], "neither the folder of a run"),
        (["text.keras"], "Keras cannot load the model|File not found"),
        (["MODEL", "--inputs", "text.keras"], "Expected an .npz file"),
        (["MODEL", "--causal", "target"], "causal must name the input"),
    ],
)
def test_wrong_use_is_one_line(arguments, message, leaking_file, tmp_path, capsys):
    (tmp_path / "text.keras").write_text("no model")
    np.savez(tmp_path / "inputs.npz", ids=parts.ids())
    places = {"MODEL": leaking_file, "text.keras": str(tmp_path / "text.keras")}
    arguments = [places.get(word, word) for word in arguments]
    if "--causal" in arguments:
        arguments += ["--inputs", str(tmp_path / "inputs.npz")]
    assert main(["doctor", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert any(part in error for part in message.split("|"))


@pytest.mark.moderate
@pytest.mark.full
def test_a_run_is_examined_with_the_loss_of_its_training(tmp_path, capsys):
    config = TrainingConfig(epochs=1, vocab_size=310, max_length=40).resolved()
    sentence = "a few words that pieces are made of, again and again: "
    pairs = [(sentence * 2, f"{i} {sentence}") for i in range(20)]
    tokenizer = Tokenizer.train(pairs, config.vocab_size)
    model = make_model(config, tokenizer)
    run = RunDirectory(tmp_path / "run")
    run.begin(config, tokenizer, model)
    model.save_weights(run.best_weights)
    assert main(["doctor", str(run.path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    status = {check["name"]: check["status"] for check in report["checks"]}
    unchecked = [name for name in status if status[name] == "not checked"]
    assert unchecked == ["schedule"]  # nothing is accumulated
    assert report["causal"] == "target_ids"
