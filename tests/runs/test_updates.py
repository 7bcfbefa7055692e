"""Training in updates: ends of epochs, refused settings, interruptions."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.runs.killed_pairs import write_files
from tf_transformer import cli
from tf_transformer.data.streaming import StreamedBatches
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.training.schedules import TransformerSchedule
from tf_transformer.training.updates import Plan
from tf_transformer.utils.interval import parse_interval


@pytest.mark.parametrize("total", [1, 99, 100, 101, 250])
def test_a_plan_ends_epochs_at_multiples_and_the_last_at_the_total(total):
    plan, ends, updates = Plan(per_epoch=100, total=total), [], 0
    while plan.epochs_left(updates):
        left = plan.epochs_left(updates)
        updates = plan.epoch_end(updates)
        ends.append(updates)
        assert plan.epochs_left(updates) == left - 1
    assert ends == [*range(100, total, 100), total]
    assert plan.epochs_left(total - 1) == 1


@pytest.mark.parametrize("value", ["0", "0m", "-3", "10 m", "m", "5h", "1e3", "", "²"])
def test_an_interval_is_updates_or_minutes(value):
    with pytest.raises(ValueError, match="500 or 10m. Received"):
        parse_interval(value)
    with pytest.raises(ValueError, match="500 or 10m"):
        TrainingConfig(checkpoint_every=value).resolved()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 3, "max_updates": 70}, "set twice.*epochs=3, max_updates=70"),
        ({"validate_every": 50}, "Expected max_updates"),
        ({"max_updates": 0}, "max_updates must be at least 1"),
        ({"decay": "cosine", "cooldown": False}, "decay='cosine', cooldown=False"),
        ({"decay": "square"}, "Unknown decay"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**settings).resolved()
    assert TrainingConfig(max_updates=7).resolved().epochs is None
    assert TrainingConfig().resolved().epochs == 10


@pytest.mark.parametrize("decay", ["linear", "cosine"])
def test_rates_fall_from_the_peak_to_zero_over_updates(decay):
    schedule = TransformerSchedule(
        8, warmup_steps=4, peak=0.5, total_steps=13, decay=decay
    )
    found = [float(schedule(step)) for step in range(14)]
    left = np.linspace(1, 0, 11)
    falling = left if decay == "linear" else 0.5 - 0.5 * np.cos(np.pi * left)
    expected = [0.125, 0.25, 0.375, *(0.5 * falling)]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    again = TransformerSchedule.from_config(schedule.get_config())
    assert float(again(9)) == found[9]
    with pytest.raises(ValueError, match="total_steps=None"):
        TransformerSchedule(8, decay=decay)


def command(folder, *more):
    write_files(folder)
    words = ["train", "--run", str(folder / "run"), "--vocab-size", "290"]
    for split, side, number in (
        ("train", "source", 0),
        ("train", "target", 1),
        ("valid", "source", 0),
        ("valid", "target", 1),
    ):
        words += [f"--{split}-{side}", str(folder / f"{split}.{number}")]
    words += ["--monitor", "nll", "--validation-sentences", "0", "--window", "13"]
    words += ["--num-encoder-layers", "1", "--num-decoder-layers", "1"]
    return [*words, "--batch-tokens", "64", *more]


@pytest.mark.slow
def test_sigterm_writes_a_checkpoint_and_a_second_process_is_refused(tmp_path):
    endless = "--max-updates", str(10**9), "--validate-every", str(10**8)
    words = command(tmp_path, *endless)
    program = [sys.executable, "-m", "tf_transformer"]
    run = RunDirectory(tmp_path / "run")
    with subprocess.Popen(
        [*program, *words, "--checkpoint-every", "3"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as first:
        try:
            while run.latest_checkpoint() is None and first.poll() is None:
                time.sleep(0.05)
            second = subprocess.run(
                [*program, *words], capture_output=True, text=True, check=False
            )
        finally:  # it trains without end
            first.send_signal(signal.SIGTERM)
        _, errors = first.communicate()
    assert second.returncode == 1
    [line] = second.stderr.splitlines()
    assert "Another process works in this folder" in line and str(run.path) in line
    assert first.returncode == 143
    [line] = errors.decode().splitlines()[-1:]
    assert line.startswith("Stopped by SIGTERM after update")
    assert line.endswith("Run the same command again to resume.")
    with np.load(run.latest_checkpoint()) as arrays:
        state = json.loads(arrays["state"].tobytes())
    assert str(run.latest_checkpoint()) in line
    assert f"update {state['data'][1]:,};" in line


@pytest.mark.slow
def test_a_stream_is_counted_once(tmp_path, capsys, monkeypatch):
    """Counting reads and encodes all pairs."""
    words = command(tmp_path, "--epochs", "1")
    assert cli.main(words) == 0
    monkeypatch.delattr(StreamedBatches, "count")
    assert cli.main(words) == 0
    assert "is already trained: 1 epochs" in capsys.readouterr().out
    assert cli.main([*words[:-1], "2"]) == 0
    assert RunDirectory(tmp_path / "run").latest_checkpoint().stem == "epoch-0002"


@pytest.mark.slow
def test_nll_needs_no_translations_and_changed_files_are_refused_by_name(
    tmp_path, capsys
):
    words = command(tmp_path, "--max-updates", "2", "--validate-every", "2")
    assert cli.main(words) == 0
    run = RunDirectory(tmp_path / "run")
    # monitor=nll needs no translations
    assert "bleu" not in json.loads(run.json_log.read_text())
    assert run.best_weights.exists()
    files = {
        path: path.read_bytes()
        for path in (tmp_path / "valid.1", run.path / "tokenizer.model")
    }
    before = run.latest_checkpoint().read_bytes()
    for path, contents in files.items():
        path.write_bytes(contents[:-9] + b"!" + contents[-8:])
        capsys.readouterr()
        assert cli.main([*words[:-3], "9", *words[-2:]]) == 1
        [line] = capsys.readouterr().err.splitlines()
        assert str(path) in line
        assert "changed" in line or "is damaged" in line
        path.write_bytes(contents)
    path = tmp_path / "train.0"
    path.unlink()
    assert cli.main(words) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert str(path) in line
    assert run.latest_checkpoint().read_bytes() == before


@pytest.mark.slow
def test_a_stream_that_vanishes_during_training_is_one_line(
    tmp_path, capsys, monkeypatch
):
    from tf_transformer.runs import training

    real = training.describe_batches

    def vanish(*arguments):
        real(*arguments)
        (tmp_path / "train.0").unlink()

    monkeypatch.setattr(training, "describe_batches", vanish)
    words = command(tmp_path, "--max-updates", "90", "--validate-every", "90")
    assert cli.main(words) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert "The data changed during training" in line and "train.0" in line
