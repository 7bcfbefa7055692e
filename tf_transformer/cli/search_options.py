"""Search options that several verbs share."""

import argparse

REPETITION = ("no_repeat_ngram_size", "repetition_penalty")
SAMPLING = ("sample", "temperature", "top_k", "top_p", "seed")


def positive(word: str) -> int:
    """Parses an integer of at least 1, for argparse."""
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(
            f"expected an integer of at least 1. Received: {word}"
        )
    return int(word)


def add_search(verb, beam_size=4, alpha=0.6) -> None:
    """Adds the options of beam search."""
    verb.add_argument(
        "--beam-size",
        type=positive,
        default=beam_size,
        metavar="INT",
        help="number of hypotheses; 1 is greedy search (default: 4)",
    )
    verb.add_argument(
        "--alpha",
        type=float,
        default=alpha,
        metavar="FLOAT",
        help="exponent of the length penalty (default: 0.6)",
    )


def add_repetition(verb) -> None:
    """Adds the options that control repetition."""
    verb.add_argument(
        "--no-repeat-ngram-size",
        type=int,
        metavar="INT",
        help="length of token sequences that must not repeat (default: 0, off)",
    )
    verb.add_argument(
        "--repetition-penalty",
        type=float,
        metavar="FLOAT",
        help="above 1: discourage tokens already in the translation (default: 1.0)",
    )


def add_sampling(verb) -> None:
    """Adds the options of sampling."""
    group = verb.add_argument_group("sampling instead of beam search")
    group.add_argument(
        "--sample",
        action="store_true",
        default=None,
        help="sample tokens from the model's distribution; the same seed and sentence "
        "always give the same translation",
    )
    for flag, kind, text in (
        ("--temperature", float, "below 1 favours probable tokens (default: 1.0)"),
        ("--top-k", int, "sample from the k most probable tokens"),
        ("--top-p", float, "sample from the top tokens with total probability p"),
        ("--seed", int, "seed of the random numbers (default: 0)"),
    ):
        group.add_argument(flag, type=kind, metavar=kind.__name__.upper(), help=text)


def options_set(options, *names) -> dict:
    """The options of these names that the command line contains."""
    values = {name: getattr(options, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}
