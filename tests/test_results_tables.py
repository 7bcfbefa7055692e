"""The tables of docs/results.md, made from the rows of recipe.py."""

import json
import re
import runpy
import subprocess

import pytest

from tests.document_blocks import ROOT

FOLDER = ROOT / "benchmarks" / "quality"
PROGRAM = runpy.run_path(str(FOLDER / "results.py"))
with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(str(FOLDER))  # as `python changes.py` does
    CHANGES = runpy.run_path(str(FOLDER / "changes.py"))
TEST = "test_2017_flickr"


def row(**changes):
    found = {"recipe": "deep", "direction": "de-en", "set": "val", "seed": 1}
    found |= {"options": "--epochs 3", "teacher": None, "diversify": []}
    found |= {"bleu": 30.0, "chrf": 51.5, "bleu_lowercase": 31.25}
    found |= {f"{key}_signature": f"{key} of version 2" for key in list(found)[-3:]}
    found |= {"versions": "keras 3"}
    found |= {"cores": 2, "minutes": 12.4, "tokens_per_second": 2345, "peak_mib": 1999}
    curve = [{"minutes": 4.0, "bleu": 9.1}, {"minutes": 9.0, "bleu": 8.2}]
    found |= {"parameters": 1234567, "curve": [*curve, {"minutes": 12.4, "bleu": 20}]}
    return found | changes


def cells(text):
    return [line[2:-2].split(" | ") for line in text.splitlines()]


def test_seeds_are_one_line_with_mean_least_and_most():
    rows = [row(), row(set="test", bleu=7.0), row(seed=2, bleu=33.0), row(seed=3)]
    head, _, val, test = cells(PROGRAM["scores_table"](rows))
    assert dict(zip(head, val, strict=True)) == {
        "recipe": "deep",
        "direction": "de-en",
        "set": "val",
        "seeds": "3",
        "BLEU": "31.00 (30.00 to 33.00)",
        "chrF": "51.50",
        "BLEU, lower-cased": "31.25",
    }
    assert test[2:5] == ["test", "1", "7.00"]


def test_cost_is_counted_once_for_each_training():
    rows = [row(), row(set="test", minutes=99), row(seed=2, minutes=15, peak_mib=None)]
    head, _, line = cells(PROGRAM["cost_table"](rows))
    assert dict(zip(head, line, strict=True)) == {
        "recipe": "deep",
        "direction": "de-en",
        "minutes": "14 (12 to 15)",
        "cores": "2",
        "tokens/s": "2,345",
        "peak memory, MiB": "1,999",
        "parameters": "1,234,567",
    }


def test_the_curve_shows_the_best_epoch_so_far():
    head, _, line = cells(PROGRAM["curve_table"]([row(), row(set="test")]))
    assert line[:6] == ["deep", "de-en", "1", "9.1", "9.1", ""]
    assert head[3:6] == ["5 min", "10 min", "15 min"]
    assert PROGRAM["bleu_at"](row()["curve"], 12.4) == "20.0"
    assert PROGRAM["bleu_at"](row()["curve"], 3) == ""


def test_a_repeated_measurement_replaces_the_earlier_one(tmp_path):
    rows = [row(bleu=1.0), row(seed=2), row(bleu=2.0), row(set="test")]
    path = tmp_path / "results.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    found = PROGRAM["read_rows"](path)
    assert [(r["set"], r["seed"], r["bleu"]) for r in found] == [
        ("val", 1, 2.0),
        ("val", 2, 30.0),
        ("test", 1, 30.0),
    ]


def test_commands_signatures_and_versions_stand_once():
    rows = [row(), row(seed=2), row(recipe="student", teacher="deep")]
    rows.append(row(recipe="more", diversify=["deep-de-en-1", "deep-en-de-1"]))
    text = PROGRAM["tables"](rows)
    words = " ".join(text.replace("\\\n", "").split())
    one = "--directions de-en"
    assert words.count(f"--name deep {one} --options --epochs 3") == 1
    assert words.count(f"--name deep --seed 2 {one} --options --epochs 3") == 1
    assert words.count(f"--name student {one} --teacher deep --options") == 1
    runs = "runs/deep-de-en-1 runs/deep-en-de-1"
    assert words.count(f"--name more {one} --diversify {runs} --options") == 1
    assert text.count("* chrF: `chrf of version 2`") == 1
    assert text.count("* versions: keras 3") == 1


def test_commands_come_after_those_whose_runs_they_need():
    rows = [
        row(recipe="best", diversify=["more-de-en-1"]),
        row(recipe="best", diversify=["more-de-en-1"], direction="en-de"),
        row(recipe="more", diversify=["deep-de-en-1"]),
        row(recipe="student", teacher="best"),
        row(),
    ]
    text = " ".join(PROGRAM["commands"](rows).replace("\\\n", "").split())
    names = re.findall(r"--name (\w+)", text)
    assert names == ["deep", "more", "best", "student"]
    assert "--name best --diversify" in text  # both directions, seed 1: the default


def test_a_command_trains_one_model_for_both_directions():
    text = PROGRAM["command"](row(one_model=True, baseline="deep"))
    words = " ".join(text.replace("\\\n", "").split())
    assert " --baseline deep --one-model --options" in words


def test_a_change_is_compared_with_the_same_seed_of_the_baseline():
    rows = [row(p=None), row(p=None, seed=2, bleu=33.0), row(p=None, set=TEST, bleu=7)]
    changed = {"recipe": "more", "options": "--epochs 3 --decay cosine", "p": 0.125}
    rows += [row(**changed, bleu=30.5), row(**changed, set=TEST, bleu=6.5)]
    rows.append(row(recipe="both", one_model=True, direction="en-de", p=None))
    head, _, first, second, third = cells(CHANGES["changes_table"](rows))
    assert third[:3] == ["en-de: `--one-model`", "1", "30.00, 51.50"]
    assert first == [
        "de-en: baseline",
        "1, 2",
        "31.50 (30.00 to 33.00), 51.50",
        "7.00, 51.50",
    ]
    assert second == [
        "de-en: `--decay cosine`",
        "1",
        "30.50, +0.50 (0.125), 51.50",
        "6.50, -0.50 (0.125), 51.50",
    ]
    assert len(head) == 4


def test_a_change_is_named_by_its_options():
    describe, baseline = CHANGES["describe"], row(options="--a 1 --b --c x y")
    assert describe(row(options="--c x z --b --a 1"), baseline) == "`--c x z`"
    assert describe(row(options="--a 1 --c x y"), baseline) == "no `--b`"
    both = row(options="--a 2 --b --c x y", one_model=True, teacher="deep")
    assert describe(both, baseline) == "`--one-model`, `--teacher deep`, `--a 2`"


def test_lines_of_a_command_are_short_and_make_one_command():
    text = PROGRAM["command"](row(options="--epochs 3 " + "--peak 0.004 " * 20))
    lines = text.splitlines()
    assert len(lines) > 3
    assert all(len(line) <= 92 and line.startswith("    ") for line in lines)
    command = text.replace("python benchmarks", "echo benchmarks")
    found = subprocess.run(["sh", "-c", command], capture_output=True, check=True)
    assert found.stdout.decode().count("\n") == 1
    assert found.stdout.decode().count("--peak 0.004") == 20


@pytest.mark.parametrize(
    "part", ["scores_table", "cost_table", "curve_table", "commands", "signatures"]
)
def test_the_document_has_the_tables_of_the_rows(part):
    rows = PROGRAM["read_rows"](FOLDER / "results.jsonl")
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert PROGRAM[part](rows) in text


def test_the_document_has_the_table_of_the_changes():
    rows = PROGRAM["read_rows"](FOLDER / "changes.jsonl")
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert CHANGES["changes_table"](rows) in text
    baseline = [row["direction"] for row in rows if row["recipe"] == "short"]
    assert PROGRAM["command"](rows[0], dict.fromkeys(baseline)) in text
