"""JAX and PyTorch train, search and save in a process that has no TensorFlow."""

import json

import pytest

import tf_transformer as tt
from tests.backends.other_process import run_program
from tests.backends.without_tensorflow import (
    BATCHES,
    NUM_EPOCHS,
    NUM_PAIRS,
    TEXTS,
    digest,
)

pytestmark = pytest.mark.needs_tensorflow


@pytest.mark.slow
def test_packages_are_imported(backend):
    run_program(backend, "import")


@pytest.fixture
def found(trained):
    return json.loads((trained / "found.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_loss_falls(found, backend):
    assert found["backend"] == backend
    assert len(found["losses"]) == NUM_EPOCHS
    assert found["losses"] == sorted(found["losses"], reverse=True)
    assert found["losses"][-1] < 0.9 * found["losses"][0]


@pytest.mark.slow
def test_searches_write_and_scores_are_log_probabilities(found):
    for texts in (found["greedy"], found["beams"]):
        assert texts[TEXTS.index("")] == ""
        assert any(texts)
    assert all(-200 < score < 0 for score in found["scores"])


@pytest.mark.slow
def test_fit_takes_the_batches_of_every_epoch_in_order(found, trained):
    """The same ones that TensorFlow gets, and each epoch counts as one."""
    pairs = tt.data.load("en_ko_grammar").train[:NUM_PAIRS]
    tokenizer = tt.data.Tokenizer.load(trained)
    dataset = tt.data.batches(pairs, tokenizer, **BATCHES)
    expected = []
    for epoch in range(NUM_EPOCHS):
        dataset.batches.epoch = epoch
        expected += [digest(batch) for batch in dataset.as_numpy_iterator()]
    assert found["epoch"] == NUM_EPOCHS
    assert len(expected) == NUM_EPOCHS * found["batches_per_epoch"]
    # before the first epoch Keras reads a batch or two to build the model
    assert found["served"][-len(expected) :] == expected
    # a batch of pairs that no other pair is as long as comes again in each epoch
    assert len(set(expected)) > (NUM_EPOCHS - 1) * found["batches_per_epoch"]


@pytest.mark.slow
@pytest.mark.usefixtures("torch_in_full_only")
def test_command_line_trains_scores_and_translates(backend, tmp_path):
    pairs = tt.data.load("en_ko_grammar").train[:300]
    data, run = tmp_path / "pairs.tsv", tmp_path / "run"
    data.write_text("".join(f"{s}\t{t}\n" for s, t in pairs), encoding="utf-8")
    settings = [
        "--epochs",
        "1",
        "--vocab-size",
        "700",
        "--batch-tokens",
        "512",
        "--max-length",
        "60",
    ]
    settings += ["--num-encoder-layers", "1", "--num-decoder-layers", "1"]
    settings += ["--validation-sentences", "3", "--data", data, "--run", run]
    output = run_program(backend, "cli", "train", *settings)
    assert "No TensorBoard log" in output
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in log] == [1]
    assert {"loss", "val_nll", "bleu"} <= set(log[0])
    assert json.loads((run / "config.json").read_text())["backend"] == backend
    run_program(backend, "cli", "evaluate", run, "--beam-size", "2")
    scores = json.loads((run / "evaluation.json").read_text())
    assert [one["beam_size"] for one in scores.values()] == [2]
    assert len(run_program(backend, "cli", "translate", run, *TEXTS).splitlines()) == 4
