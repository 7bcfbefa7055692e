"""Measures what each head of a trained model attends to, and the loss without it.

    python benchmarks/attention_heads.py runs/tiny --json runs/tiny/heads.json

Needs a run on the built-in corpus. On its test split, with teacher forcing, the program
computes the alignment error rate of every cross-attention head, how often a head
attends from *it* to its noun, statistics of the attention, and the negative
log-likelihood without each head. Prints Markdown; `--json` writes the same figures.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from tf_transformer.analysis.ablation import nll, nll_without_each_head
from tf_transformer.analysis.alignment import (
    alignment_error_rate,
    alignment_error_rates,
    baseline_links,
    parse_alignment,
    strongest_links,
    word_weights,
)
from tf_transformer.analysis.antecedents import (
    antecedent_baselines,
    antecedent_scores,
    examples_with_antecedent,
)
from tf_transformer.analysis.heads import head_statistics
from tf_transformer.analysis.maps import attention_maps
from tf_transformer.corpora import en_ko_grammar as grammar
from tf_transformer.runs.directory import RunDirectory

SPLIT = "test"
COLUMNS = {
    "encoder": ("entropy_share", "distance", "previous", "same", "next", "end"),
    "decoder": ("entropy_share", "distance", "previous", "same", "start"),
    "cross": ("entropy_share", "distance", "end"),
}


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("run", type=Path, help="folder of a run on en_ko_grammar")
    parser.add_argument("--sentences", type=int, default=1000, help="pairs to score on")
    parser.add_argument("--json", type=Path, help="file for all figures")
    options = parser.parse_args(arguments)
    figures = measure(RunDirectory(options.run).translator(), options.sentences)
    print(markdown(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


def measure(translator, num_sentences: int) -> dict:
    """All figures, JSON serializable: arrays (N, h) as nested lists."""
    examples = grammar.generate(SPLIT)[:num_sentences]
    pairs = [(example.source, example.target) for example in examples]
    maps = attention_maps(translator, *map(list, zip(*pairs, strict=True)))
    figures = {
        "split": SPLIT,
        "sentences": len(examples),
        "nll": nll(translator, pairs),
        "heads": {kind: head_statistics(maps, kind) for kind in COLUMNS},
    }
    word_maps = [sentence_maps.in_words() for sentence_maps in maps]
    figures |= alignments(word_maps, examples) | antecedents(translator)
    without = nll_without_each_head(translator, pairs)
    for kind, costs in without.items():
        figures["heads"][kind]["nll_increase"] = costs - figures["nll"]
    return as_lists(figures)


def alignments(maps, examples) -> dict:
    """Error rates of heads, of their means, and of baselines."""
    gold = [parse_alignment(example.alignment, first_index=0) for example in examples]
    sizes = [
        (len(example.source.split()), len(example.target.split()))
        for example in examples
    ]
    rates = {
        name: alignment_error_rate(links, gold)
        for name, links in baseline_links(sizes).items()
    }
    for layer in range(maps[0].num_layers):
        links = [
            strongest_links(word_weights(sentence_maps)[layer].mean(axis=0))
            for sentence_maps in maps
        ]
        rates[f"mean of layer {layer + 1}"] = alignment_error_rate(links, gold)
    return {
        "alignment_error_rate": alignment_error_rates(maps, gold),
        "alignment_error_rate_others": rates,
    }


def antecedents(translator) -> dict:
    """How often heads attend to the noun that *it* refers to."""
    examples = examples_with_antecedent(SPLIT)
    maps = attention_maps(
        translator,
        [example.source for example in examples],
        [example.target for example in examples],
    )
    return {
        "sentences_with_it": len(examples),
        "antecedent": {
            kind: antecedent_scores(maps, examples, kind)
            for kind in ("encoder", "cross")
        },
        "antecedent_others": antecedent_baselines(examples),
    }


def as_lists(value):
    """The same with lists in place of arrays, rounded."""
    if isinstance(value, dict):
        return {name: as_lists(item) for name, item in value.items()}
    if isinstance(value, np.ndarray):
        return np.round(value, 4).tolist()
    return round(value, 4) if isinstance(value, float) else value


def markdown(figures: dict) -> str:
    """The figures as tables, a row for each head."""
    parts = [
        f"{figures['sentences']} sentences of the split `{figures['split']}`, "
        f"{figures['sentences_with_it']} sentences with *it*; negative "
        f"log-likelihood {figures['nll']:.4f} nats per token."
    ]
    for kind in COLUMNS:
        parts.append(f"**{kind}**\n\n{table_of_heads(figures, kind)}")
    parts.append(
        "Alignment error rate of baselines: "
        + score_lines(figures["alignment_error_rate_others"])
        + "\n\nAntecedent, baselines: "
        + score_lines(figures["antecedent_others"])
    )
    return "\n\n".join(parts)


def table_of_heads(figures: dict, kind: str) -> str:
    """The table of one kind of attention, with a row for each head."""
    columns = {
        name.replace("_", " "): figures["heads"][kind][name] for name in COLUMNS[kind]
    }
    if kind == "cross":
        columns["AER"] = figures["alignment_error_rate"]
    if kind in figures["antecedent"]:
        for choice, scores in figures["antecedent"][kind].items():
            columns[f"*it*, among {choice}"] = scores
    columns["nll increase"] = figures["heads"][kind]["nll_increase"]
    lines = [
        "| head | " + " | ".join(columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for layer, head in np.ndindex(*np.shape(columns["nll increase"])):
        row = [f"{layer + 1}.{head + 1}"]
        for name, values in columns.items():
            digits = 3 if name == "nll increase" else 2
            row.append(f"{values[layer][head]:.{digits}f}")
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def score_lines(scores: dict) -> str:
    """Names and figures in one line."""
    return ", ".join(f"{name} {score:.2f}" for name, score in scores.items()) + "."


if __name__ == "__main__":
    main()
