"""Recipes on the command line: R-Drop and subword regularization."""

import json
import math

import numpy as np
import pytest

from tf_transformer import cli
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.runs.training import make_loss
from tf_transformer.training import MaskedCrossEntropy, RDropCrossEntropy


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    letters = np.random.default_rng(7).choice(list("abcdefg"), (150, 4))
    lines = [f"{' '.join(row)}\t{' '.join(row[::-1])}\n" for row in letters]
    path = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def train(data, run, *words):
    settings = ["--vocab-size", "280", "--epochs", "1", "--batch-tokens", "256"]
    settings += ["--monitor", "nll", "--validation-sentences", "0"]
    settings += ["--num-encoder-layers", "1", "--num-decoder-layers", "1"]
    command = ["train", "--run", str(run), "--data", str(data), *settings, *words]
    return cli.main(command)


def log_of(run):
    return [json.loads(line) for line in RunDirectory(run).json_log.open()]


@pytest.mark.slow
def test_run_with_r_drop_logs_plain_metrics_and_keeps_its_alpha(data, tmp_path, capsys):
    run = tmp_path / "run"
    assert train(data, run, "--r-drop", "500", "--sampling-alpha", "0.3") == 0
    [line] = log_of(run)
    # a divergence of a tenth of a nat would be 50; validation makes one pass
    assert line["loss"] > 1.5 * line["nll"]
    assert line["val_loss"] < 1.5 * line["val_nll"]
    config = RunDirectory(run).config()
    assert (config.r_drop, config.sampling_alpha) == (500, 0.3)
    assert train(data, run) == 1
    error = capsys.readouterr().err
    assert "r_drop=0.0 instead of 500" in error
    assert "sampling_alpha=None instead of 0.3" in error


def test_loss_of_a_run_has_r_drop_only_if_it_is_set():
    loss = make_loss(TrainingConfig(r_drop=2.5, label_smoothing=0.2))
    assert type(loss) is RDropCrossEntropy
    assert (loss.alpha, loss.label_smoothing) == (2.5, 0.2)
    assert type(make_loss(TrainingConfig())) is MaskedCrossEntropy


@pytest.mark.parametrize("value", [-0.5, math.inf, math.nan])
def test_r_drop_must_be_a_number_of_at_least_0(value):
    with pytest.raises(ValueError, match=f"r_drop must.*Received: {value}"):
        TrainingConfig(r_drop=value).resolved()


@pytest.mark.parametrize("value", [0.0, -0.5, 1.5, math.nan])
def test_sampling_alpha_must_lie_between_0_and_1(value):
    with pytest.raises(ValueError, match=f"sampling_alpha must.*Received: {value}"):
        TrainingConfig(sampling_alpha=value).resolved()
