"""The program that compares the speed of exported models."""

import functools
import runpy
import sys
from types import SimpleNamespace

import pytest
import tensorflow as tf

from tests.document_blocks import ROOT

PROGRAM = ROOT / "benchmarks" / "quality" / "compare_speed.py"
MODULE = runpy.run_path(str(PROGRAM))


def test_models_take_turns_and_the_first_round_is_not_counted(monkeypatch):
    calls, clock = [], SimpleNamespace(now=0.0)

    def translator(name, seconds):
        def translate(batch):
            calls.append((name, batch))
            clock.now += seconds * (10 if len(calls) <= 4 else 1)  # compiles at first
            return {"translation": tf.constant([batch])}

        return translate

    monkeypatch.setattr(MODULE["time"], "perf_counter", lambda: clock.now)
    functions = [translator("slow", 3.0), translator("fast", 2.0)]
    rows = MODULE["seconds_in_turns"](functions, ["x", "y"], rounds=3)
    assert rows == [[6.0] * 3, [4.0] * 3]
    slow, fast = [("slow", "x"), ("slow", "y")], [("fast", "x"), ("fast", "y")]
    assert calls == 2 * (fast + slow + slow + fast)


def test_spread_is_median_least_and_most():
    assert MODULE["spread"]([3.0, 0.5, 1.25]) == "1.25 (0.50 to 3.00)"


def test_a_folder_without_a_model_is_an_error(monkeypatch, tmp_path, capsys):
    words = [str(PROGRAM), "lines.txt", str(tmp_path / "none")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit):
        MODULE["main"]()
    assert f"Received: {tmp_path / 'none'}" in capsys.readouterr().err


@pytest.mark.slow
def test_a_row_for_each_model_signature_and_batch(
    toy_export, tmp_path, monkeypatch, capsys
):
    lines = tmp_path / "lines.txt"
    lines.write_text("a cat ran\n\nI am a student\n", encoding="utf-8")
    models = [str(toy_export), str(toy_export.parent)]
    load = functools.cache(tf.saved_model.load)  # compiled once for both
    monkeypatch.setattr(tf.saved_model, "load", load)
    words = [str(PROGRAM), str(lines), *models, "--rounds", "1"]
    monkeypatch.setattr(sys, "argv", words)
    MODULE["main"]()
    rows = [
        line.strip("| ").split(" | ") for line in capsys.readouterr().out.split("\n")
    ]
    rows = [row for row in rows if row[0] in models]
    assert [row[:3] for row in rows] == [
        [model, signature, batch]
        for signature in ("translate", "translate_compiled")
        for batch in ("1", "32")
        for model in models
    ]
    assert all(float(row[3]) > 0 for row in rows)
    assert all(row[4] == "1.00 (1.00 to 1.00)" for row in rows[::2])
