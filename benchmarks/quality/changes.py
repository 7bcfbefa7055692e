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
    baseline = [row for row in rows if row["recipe"] == rows[0]["recipe"]]
    lines = []
    for (_, direction), group in groups(rows, ("recipe", "direction")).items():
        same = [row for row in baseline if row["direction"] == direction]
        change = changed(group[0], baseline[0]) or "baseline"
        seeds = ", ".join(dict.fromkeys(str(row["seed"]) for row in group))
        cells = [scores(group, same, name) for name in SETS]
        lines.append([f"{direction}: {change}", seeds, *cells])
    return table(list(HEAD), lines)


def changed(row: dict, baseline: dict) -> str:
    """The options of a training that the baseline's training did not have."""
    ours, theirs = option_values(row), option_values(baseline)
    names = [name for name in ours if ours[name] != theirs.get(name)]
    return ", ".join(f"`{' '.join([name, *ours[name]])}`" for name in names)


def option_values(row: dict) -> dict[str, list[str]]:
    """The words after each option."""
    found, words = {}, row["options"].split()
    if row.get("one_model"):
        found["--one-model"] = []
    for word in words:
        if word.startswith("--"):
            values = found.setdefault(word, [])
        else:
            values.append(word)
    return found


def scores(group: list[dict], baseline: list[dict], name: str) -> str:
    """BLEU and chrF on a set, and the gain over the baseline of the same seed."""
    here = [row for row in group if row["set"] == name]
    theirs = {row["seed"]: row["bleu"] for row in baseline if row["set"] == name}
    gains = [
        f"{row['bleu'] - theirs[row['seed']]:+.2f} ({row['p']:.3f})"
        for row in here
        if row["p"] is not None
    ]
    return ", ".join([spread(here, "bleu"), *gains, spread(here, "chrf")])


if __name__ == "__main__":
    main()
