"""The benchmarks of imported models: the domain, and the table of speed."""

import sys
from pathlib import Path

import pytest

MARIAN = Path(__file__).parents[1] / "benchmarks" / "marian"


@pytest.fixture
def programs(monkeypatch):
    monkeypatch.syspath_prepend(str(MARIAN))
    yield
    for name in ("orders", "engine"):
        sys.modules.pop(name, None)


def test_orders_are_pairs_and_no_sentence_is_in_both_parts(
    programs, tmp_path, monkeypatch
):
    import orders

    command = ["orders.py", str(tmp_path), "--train", "170", "--test", "60"]
    monkeypatch.setattr(sys, "argv", command)
    files = []
    for _ in range(2):
        orders.main()
        names = "train.tsv", "test.en", "test.pt"
        files.append([(tmp_path / name).read_text("utf-8") for name in names])
    assert files[0] == files[1]
    train, *test = (text.splitlines() for text in files[0])
    assert (len(train), *map(len, test)) == (170, 60, 60)
    pairs = [line.split("\t") for line in train]
    assert not {source for source, _ in pairs} & {*test[0]}
    for source, target in [*pairs, *zip(*test, strict=True)]:
        number, _, rest = source.removeprefix("Order ").partition(": ")
        assert target.startswith(f"Pedido {number}: ")
        count = rest.split()[1]
        assert f" {count} " in target
        assert "{" not in source + target


def test_the_table_has_medians_and_ratios_in_the_same_round(programs):
    import engine

    rounds = {
        engine.ENGINE: [(0.2, 0.1), (0.4, 0.3), (0.2, 0.2)],
        "SavedModel": [(0.6, 0.5), (0.4, 0.2), (0.4, 0.9)],
    }
    lines = engine.table(rounds, count=10).splitlines()
    assert lines[2] == f"| {engine.ENGINE} | 20.0 | 20.0 | 1.00 |"
    assert lines[3] == "| SavedModel | 40.0 | 50.0 | 2.00 |"
