"""Makes the table of short trainings in docs/recipes.md from rows of recipe.py.

    python benchmarks/quality/changes.py benchmarks/quality/changes.jsonl

The first line is the baseline, with mean and spread of its seeds. Each other line is a
recipe that changes an option of it: its scores, and the gain over the baseline's
training with the same seed, with the p-value of the comparison.
"""

import argparse
from pathlib import Path

from results import groups, read_rows, spread, table

SETS = ("val", "test_2017_flickr")
HEAD = ("change", "seeds", *(f"{name}: BLEU, gain (p), chrF" for name in SETS))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=Path, help="rows of a baseline and its changes")
    print(changes_table(read_rows(parser.parse_args().rows)))


def changes_table(rows: list[dict]) -> str:
    """A line for each recipe and direction; the first recipe is the baseline."""
    name = rows[0]["recipe"]
    lines = []
    for (recipe, direction), group in groups(rows, ("recipe", "direction")).items():
        change = "baseline" if recipe == name else describe(group[0], rows[0])
        seeds = ", ".join(dict.fromkeys(str(row["seed"]) for row in group))
        bleu = {
            (row["set"], row["seed"]): row["bleu"]
            for row in rows
            if recipe != name == row["recipe"] and row["direction"] == direction
        }
        cells = [score_cell(group, bleu, test) for test in SETS]
        lines.append([f"{direction}: {change}", seeds, *cells])
    return table(list(HEAD), lines)


def describe(row: dict, baseline: dict) -> str:
    """The options of a training that differ from the baseline's."""
    options, others = option_values(row), option_values(baseline)
    changed = [name for name in options if options[name] != others.get(name)]
    parts = [f"`{' '.join([name, *options[name]])}`" for name in changed]
    return ", ".join(parts + [f"no `{name}`" for name in others if name not in options])


def option_values(row: dict) -> dict[str, list[str]]:
    """The words after each option, also of those of recipe.py."""
    found, words = {}, row["options"].split()
    if row.get("one_model"):
        found["--one-model"] = []
    if row["teacher"]:
        found["--teacher"] = [row["teacher"]]
    if row["diversify"]:
        found["--diversify"] = row["diversify"]
    for word in words:
        if word.startswith("--"):
            values = found.setdefault(word, [])
        else:
            values.append(word)
    return found


def score_cell(group: list[dict], bleu: dict, test: str) -> str:
    """BLEU and chrF on a set, and gains over the baseline's BLEU of the same seed."""
    rows = [row for row in group if row["set"] == test]
    gains = [
        f"{row['bleu'] - bleu[test, row['seed']]:+.2f}"
        + ("" if row["p"] is None else f" ({row['p']:.3f})")
        for row in rows
        if (test, row["seed"]) in bleu
    ]
    return ", ".join([spread(rows, "bleu"), *gains, spread(rows, "chrf")])


if __name__ == "__main__":
    main()
