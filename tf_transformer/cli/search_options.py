"""Options of a search, which several verbs share."""

import argparse


def positive(word: str) -> int:
    if int(word) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1. Received: {word}")
    return int(word)


def add_search(verb, beam_size=4, alpha=0.6) -> None:
    verb.add_argument(
        "--beam-size",
        type=positive,
        default=beam_size,
        metavar="INT",
        help="hypotheses kept; 1 is greedy (default: 4)",
    )
    verb.add_argument(
        "--alpha",
        type=float,
        default=alpha,
        metavar="FLOAT",
        help="exponent of the length penalty (default: 0.6)",
    )


def add_repetition(verb) -> None:
    verb.add_argument(
        "--no-repeat-ngram-size",
        type=int,
        metavar="INT",
        help="no sequence of so many tokens twice (default: 0, no such rule)",
    )
    verb.add_argument(
        "--repetition-penalty",
        type=float,
        metavar="FLOAT",
        help="above 1 it discourages tokens that were written before (default: 1.0)",
    )


def add_sampling(verb) -> None:
    group = verb.add_argument_group("sampling, in place of beam search")
    group.add_argument(
        "--sample",
        action="store_true",
        default=None,
        help="draw tokens by their probabilities; the same seed and sentence always "
        "give the same translation",
    )
    for flag, kind, told in (
        ("--temperature", float, "below 1 for likelier tokens (default: 1.0)"),
        ("--top-k", int, "draw from the k likeliest tokens only"),
        ("--top-p", float, "draw from the likeliest tokens that add up to p only"),
        ("--seed", int, "another seed gives other translations (default: 0)"),
    ):
        group.add_argument(flag, type=kind, metavar=kind.__name__.upper(), help=told)
