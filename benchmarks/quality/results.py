"""Makes the tables of docs/results.md from the rows that recipe.py appends.

    python benchmarks/quality/results.py runs/results.jsonl

Three tables in Markdown: scores, cost, and BLEU by minutes of training. The seeds of a
recipe are one line: their mean, followed by the least and the most. Commands and
signatures are below the tables.
"""

import argparse
import json
import statistics
import textwrap
from pathlib import Path

SCORES = {"BLEU": "bleu", "chrF": "chrf", "BLEU, lower-cased": "bleu_lowercase"}
COSTS = {
    "minutes": ("minutes", "{:.0f}"),
    "cores": ("cores", "{:.0f}"),
    "tokens/s": ("tokens_per_second", "{:,.0f}"),
    "peak memory, MiB": ("peak_mib", "{:,.0f}"),
    "parameters": ("parameters", "{:,.0f}"),
}
DIRECTIONS = ("de-en", "en-de")  # that recipe.py trains by default
MINUTES = (5, 10, 15, 20, 25, 30, 40, 50, 60)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=Path, help="file that recipe.py has written")
    print(tables(read_rows(parser.parse_args().rows)))


def read_rows(path: Path) -> list[dict]:
    """The rows; a repeated measurement replaces the earlier one."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    keys = ("recipe", "direction", "set", "seed")
    return list({tuple(row[key] for key in keys): row for row in rows}.values())


def tables(rows: list[dict]) -> str:
    """All tables, and what is needed to repeat the measurements."""
    parts = [scores_table(rows), cost_table(rows), curve_table(rows), commands(rows)]
    return "\n\n".join(parts + [signatures(rows)])


def scores_table(rows: list[dict]) -> str:
    """Scores of each recipe and direction on each set."""
    keys = ("recipe", "direction", "set")
    lines = [
        [*name, str(len(group)), *(spread(group, key) for key in SCORES.values())]
        for name, group in groups(rows, keys).items()
    ]
    return table([*keys, "seeds", *SCORES], lines)


def cost_table(rows: list[dict]) -> str:
    """What the training of each recipe and direction cost."""
    keys = ("recipe", "direction")
    lines = [
        [*name, *(spread(group, key, form) for key, form in COSTS.values())]
        for name, group in groups(of_first_set(rows), keys).items()
    ]
    return table([*keys, *COSTS], lines)


def curve_table(rows: list[dict]) -> str:
    """Best BLEU that each training has reached after so many minutes."""
    keys = ("recipe", "direction", "seed")
    lines = [
        [*map(str, name), *(bleu_at(row["curve"], limit) for limit in MINUTES)]
        for name, [row] in groups(of_first_set(rows), keys).items()
        if row["curve"]
    ]
    return table([*keys, *(f"{limit} min" for limit in MINUTES)], lines)


def commands(rows: list[dict]) -> str:
    """A command for each recipe and seed, after those whose runs it needs."""
    remaining = groups(of_first_set(rows), ("recipe", "seed"))
    lines = []
    while remaining:
        recipes = {recipe for recipe, _ in remaining}
        name = next(
            name
            for name, [row, *_] in remaining.items()
            if not needed_recipes(row, rows) & (recipes - {name[0]})
        )
        group = remaining.pop(name)
        lines.append(command(group[0], [row["direction"] for row in group]))
    return "\n".join(lines)


def needed_recipes(row: dict, rows: list[dict]) -> set[str]:
    """The recipes from whose runs a training learns."""
    runs = {f"{r['recipe']}-{r['direction']}-{r['seed']}": r["recipe"] for r in rows}
    return {row["teacher"], *(runs.get(run) for run in row["diversify"])} - {None}


def command(row: dict, directions=DIRECTIONS) -> str:
    """The command that repeats a row's training, in lines of a code block."""
    words = f"python benchmarks/quality/recipe.py DATA runs --name {row['recipe']}"
    if row["seed"] != 1:
        words += f" --seed {row['seed']}"
    if sorted(directions) != sorted(DIRECTIONS):
        words += f" --directions {' '.join(directions)}"
    if row.get("baseline"):
        words += f" --baseline {row['baseline']}"
    if row["teacher"]:
        words += f" --teacher {row['teacher']}"
    if row.get("one_model"):
        words += " --one-model"
    if row["diversify"]:
        words += " --diversify " + " ".join(f"runs/{run}" for run in row["diversify"])
    words += f" --options {row['options']}"
    lines = textwrap.wrap(words, 80, break_on_hyphens=False)
    return "    " + " \\\n        ".join(lines)


def signatures(rows: list[dict]) -> str:
    """Signatures of the scores and versions of the packages."""
    lines = [
        f"* {name}: `{row[f'{key}_signature']}`"
        for name, key in SCORES.items()
        for row in rows
    ]
    lines += [f"* versions: {row['versions']}" for row in rows]
    return "\n".join(dict.fromkeys(lines))


def groups(rows: list[dict], keys: tuple[str, ...]) -> dict[tuple, list[dict]]:
    """The rows that have the same values of some keys."""
    found = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in keys), []).append(row)
    return found


def of_first_set(rows: list[dict]) -> list[dict]:
    """One row for each training."""
    return [row for row in rows if row["set"] == rows[0]["set"]]


def spread(group: list[dict], key: str, form: str = "{:.2f}") -> str:
    """Mean (least to most), or the only value; nothing where no row has a figure."""
    values = [row[key] for row in group if row.get(key) is not None]
    if not values:
        return ""
    mean, least, most = statistics.mean(values), min(values), max(values)
    if least == most:
        return form.format(mean)
    return f"{form.format(mean)} ({form.format(least)} to {form.format(most)})"


def bleu_at(curve: list[dict], limit: float) -> str:
    """Best BLEU of the epochs that ended within so many minutes."""
    if limit > curve[-1]["minutes"]:
        return ""
    reached = [epoch["bleu"] for epoch in curve if epoch["minutes"] <= limit]
    return f"{max(reached):.1f}" if reached else ""


def table(head: list[str], lines: list[list[str]]) -> str:
    """A table in Markdown."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


if __name__ == "__main__":
    main()
