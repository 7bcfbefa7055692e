"""The work of the speed benchmark, and its workers."""

import sys
from pathlib import Path

import numpy as np
import pytest

SPEED = Path(__file__).parents[1] / "benchmarks" / "speed"
MODULES = ["work", "turns", "peers", "picture", "fitting", "keras_layers", "growth"]
MODULES += ["main", "limits", "export"]


@pytest.fixture
def speed(monkeypatch):
    monkeypatch.syspath_prepend(str(SPEED))
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


def test_training_batches_are_full_and_teach_the_next_token(speed):
    import work

    for source_ids, target_ids, labels in work.training_batches("B"):
        assert len(source_ids) == len(target_ids) == len(labels)
        assert labels.size <= work.BATCH_TOKENS
        assert (labels != work.PAD_ID).mean() > 0.9
        assert (target_ids[:, 0] == work.BOS_ID).all()
        real = labels[:, 1:] != work.PAD_ID
        np.testing.assert_array_equal(target_ids[:, 1:][real], labels[:, :-1][real])
        for ids in (source_ids, labels):
            lengths = (ids != work.PAD_ID).sum(1)
            assert (ids[np.arange(len(ids)), lengths - 1] == work.EOS_ID).all()
            assert ids.max() < work.VOCAB_SIZE


def test_operations_of_one_pair_by_hand(speed):
    import work

    # S: 3 layers of width 256 and 1024; 2 source tokens, 3 target tokens
    pair = (np.ones((1, 2), int), np.ones((1, 3), int), np.ones((1, 3), int))
    encoder = 2 * 2 * (4 * 256**2 + 2 * 256 * 1024) + 4 * 2 * 2 * 256
    decoder = 2 * 3 * (6 * 256**2 + 2 * 256 * 1024) + 4 * 2 * 256**2
    decoder += 4 * 3 * 3 * 256 + 4 * 3 * 2 * 256
    logits = 2 * 3 * 256 * work.VOCAB_SIZE
    expected = 3 * (3 * encoder + 3 * decoder + logits)
    assert work.training_operations("S", [pair]) == expected


def test_sources_to_translate_are_sorted_by_length(speed):
    import work

    for batch_size in (1, 32):
        batches = work.decoding_batches("S", batch_size)
        assert sum(map(len, batches)) == work.NUM_SOURCES["S", batch_size]
        widths = [ids.shape[1] for ids in batches]
        assert widths == sorted(widths)


def test_a_peer_that_is_not_installed_is_skipped(speed, capsys, monkeypatch):
    import peers

    monkeypatch.setitem(peers.MODULES, "opennmt-tf", ("no_such_module",))
    monkeypatch.setitem(peers.MODULES, "hf", ("numpy", "no_such_module"))
    found = peers.Peers(["opennmt-tf", "keras", "hf"], ["hf=/elsewhere/python"])
    assert found.names == ["keras", "hf"]
    assert "Skipped: opennmt-tf is not installed" in capsys.readouterr().out
    assert peers.Peers(["hf"], []).names == []


@pytest.mark.parametrize("entry", ["torch", "tourch=/python"])
def test_a_python_of_an_unknown_peer_is_refused(speed, entry):
    import peers

    with pytest.raises(ValueError, match=f"PEER=PATH.*Received: {entry}"):
        peers.Peers(["torch"], [entry])


def test_the_picture_has_a_bar_with_the_median_ratio_of_each_peer(speed, tmp_path):
    import picture

    training = [
        {"training": model, "who": who}
        for model in "SB"
        for who in ("tf_transformer", "torch", "torch, memory kept", "keras, text")
    ]
    decoding = [{"decoding": "S", "batch": 32, "beam": 4, "who": "hf"}]
    for number, row in enumerate([*training, *decoding]):
        row.update({"ours / theirs": 1.1 + number / 100, "least": 0.7, "most": 2.5})
    picture.draw({"training": training, "decoding": decoding}, tmp_path / "speed.svg")
    svg = (tmp_path / "speed.svg").read_text(encoding="utf-8")
    shown = [number for number in range(9) if f"  {1.1 + number / 100:.2f} -->" in svg]
    assert shown == [1, 2, 5, 6, 8]  # not ours, and not text to text
    assert "<!-- S: decoding, batch 32, beam 4 -->" in svg
    assert "<!-- B: decoding, batch 32, beam 4 -->" not in svg


def test_the_picture_shows_the_faster_number_of_threads(speed, tmp_path):
    import picture

    row = {"decoding": "S", "batch": 1, "beam": 1, "least": 0.6, "most": 1.9}
    ratios = {"1 thread": 1.43, "2 threads": 0.87, "2 threads, text": 0.71}
    rows = [
        {**row, "who": f"ctranslate2, {who}", "ours / theirs": ratio}
        for who, ratio in ratios.items()
    ]
    picture.draw({"decoding": rows}, tmp_path / "speed.svg")
    svg = (tmp_path / "speed.svg").read_text(encoding="utf-8")
    assert "<!-- ctranslate2, 2 threads  0.87 -->" in svg
    assert "1.43 -->" not in svg and "0.71 -->" not in svg


class Measured:
    """A worker that took these seconds in its turns."""

    def __init__(self, name, *seconds):
        self.name, self.start_seconds = name, 3.0
        values = {"tokens": 60, "gigabytes": 0.5}
        self.given = [
            {"seconds": s, "processor seconds": 2 * s, **values} for s in seconds
        ]
        self.turns = []

    def turn(self):
        self.turns.append(self.given[len(self.turns)])

    def stop(self):
        pass


@pytest.mark.needs_tensorflow
def test_text_is_compared_with_text_and_ctranslate2_at_its_best(speed):
    import main

    workers = [
        Measured("tf_transformer", 1.0, 2.0, 4.0),
        Measured("tf_transformer, text", 2.0, 4.0, 5.0),
        Measured("tf_transformer, graph, text", 4.0, 8.0, 8.0),
        Measured("ctranslate2, 1 thread", 3.0, 3.0, 3.0),
        Measured("ctranslate2, 2 threads", 2.0, 2.0, 9.0),  # the mean is larger
        Measured("ctranslate2, 1 thread, text", 2.0, 6.0, 2.0),
        Measured("ctranslate2, 2 threads, text", 4.0, 4.0, 4.0),
    ]
    rows = {row["who"]: row for row in main.measured(workers, rounds=3)}
    ratios = {who: row["ours / theirs"] for who, row in rows.items()}
    assert ratios == {
        "tf_transformer": 1,
        "tf_transformer, text": 1,
        "tf_transformer, graph, text": 2,
        "ctranslate2, 1 thread": 1.5,  # 3, 1.5 and 0.75
        "ctranslate2, 2 threads": 2,
        "ctranslate2, 1 thread, text": 1,
        "ctranslate2, 2 threads, text": 1,
    }
    row = rows["ctranslate2, 1 thread"]
    assert (row["tokens/s"], row["fastest"]) == (20, 20)
    assert (row["least"], row["most"], row["ratio of best runs"]) == (0.75, 3, 3)
    best = {row["ours"]: row for row in main.against_ctranslate2(workers)}
    assert {ours: row["theirs"] for ours, row in best.items()} == {
        "tf_transformer": "ctranslate2, 2 threads",
        "tf_transformer, text": "ctranslate2, 1 thread, text",
        "tf_transformer, graph, text": "ctranslate2, 1 thread, text",
    }
    row = best["tf_transformer, graph, text"]  # 0.5, 0.75 and 0.25
    assert (row["ours / theirs"], row["least"], row["most"]) == (0.5, 0.25, 0.75)
    assert main.against_ctranslate2(workers[:3]) == []


@pytest.mark.long
@pytest.mark.needs_tensorflow
# Keras' guides write layers without `build`, and so does this model
@pytest.mark.filterwarnings("ignore:`build\\(\\)` was called on layer 'block")
def test_the_model_of_keras_layers_is_ours_in_size_and_trains_with_dropout(speed):
    import keras
    import keras_layers
    import work

    import tf_transformer as tt

    sizes = {"num_layers": 2, "d_model": 24, "num_heads": 3, "d_ff": 40}
    theirs = keras_layers.Model(**sizes)
    source_ids, target_ids, labels = work.training_batches("B")[0]
    inputs = {"source_ids": source_ids[:3], "target_ids": target_ids[:3]}

    def logits(training):
        return keras.ops.convert_to_numpy(theirs(inputs, training=training))

    assert (logits(False) == logits(False)).all()
    assert (logits(True) != logits(True)).any()
    ours = tt.Transformer(work.VOCAB_SIZE, **sizes)
    ours(inputs)
    assert theirs.count_params() == ours.count_params()


def test_workers_take_turns(speed, monkeypatch, tmp_path):
    import turns

    script = tmp_path / "worker.py"
    script.write_text(
        "from turns import take_turns\n"
        "done = []\n"
        "def work():\n"
        "    print('noise')\n"
        "    done.append(1)\n"
        "    return {'tokens': len(done)}\n"
        "take_turns(work)\n"
    )
    monkeypatch.setenv("LOGS", str(tmp_path))
    environment = {"PYTHONPATH": str(SPEED)}
    workers = [turns.Worker(name, script, environment=environment) for name in "ab"]
    found = [worker.turn()["tokens"] for _ in range(3) for worker in workers]
    assert found == [2, 2, 4, 4, 6, 6]  # the first half of a turn does not count
    for worker in workers:
        assert len(worker.turns) == 3
        assert all(turn["seconds"] >= 0 < turn["gigabytes"] for turn in worker.turns)
        worker.stop()
    assert "noise" in (tmp_path / "a.log").read_text()


def test_a_worker_that_fails_is_named(speed, monkeypatch, tmp_path):
    import turns

    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit('no such thing')")
    monkeypatch.setenv("LOGS", str(tmp_path))
    with pytest.raises(RuntimeError, match="broken ended; see .*broken.log"):
        turns.Worker("broken", script)


def test_growth_is_measured_in_rounds_and_shows_their_spread(
    speed, monkeypatch, capsys, tmp_path
):
    import growth

    found = iter([5.0, 2.0, 9.0, 4.0, 7.0, 6.0])

    def answer(arguments):
        return {"tokens/s": next(found), "GB": 0.5}

    kind = ("tokens", "tokens/s", {"training": {8: ("training", 8), 16: (16,)}})
    monkeypatch.setattr(growth, "KINDS", {"length": kind})
    monkeypatch.setattr(growth, "answer", answer)
    rows = growth.measured("length", 3)
    assert [growth.values(row, "tokens/s") for row in rows] == [(5, 7, 9), (2, 4, 6)]
    assert "| training | 8 | 7 (5 to 9) | 0.5 (0.5 to 0.5) |" in capsys.readouterr().out
    growth.draw(rows, tmp_path / "growth.svg")
    assert "LineCollection" in (tmp_path / "growth.svg").read_text(encoding="utf-8")
