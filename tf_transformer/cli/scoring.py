"""The verb `score` and its options."""

import json
import sys

from tf_transformer.cli.places import run_directory
from tf_transformer.cli.search_options import positive


def score(options) -> None:
    """Prints ln P(translation) of existing translations, one line per pair.

    For a pair that cannot be scored, prints an empty line and a warning.
    """
    from tf_transformer.data.files import read_pairs

    pairs = read_pairs(options.source, options.target)
    translator = run_directory(options.run).translator(options.batch_size)
    num_failed = 0
    for start in range(0, len(pairs), options.batch_size):
        group = pairs[start : start + options.batch_size]
        try:
            rows = translator.score_tokens(*zip(*group, strict=True))
        except ValueError:
            rows = [_score_alone(translator, pair) for pair in group]
        for number, row in enumerate(rows, start=start + 1):
            print(_line(row, options))
            if isinstance(row, ValueError):
                place = f"{options.source}:{number}"
                print(f"tf-transformer: {place}: {row}", file=sys.stderr)
                num_failed += 1
        print(end="", flush=True)
    if num_failed:
        raise ValueError(f"{num_failed} pairs were not scored.")


def _score_alone(translator, pair):
    """The scores of one pair's tokens, or the error."""
    try:
        return translator.score_tokens([pair[0]], [pair[1]])[0]
    except ValueError as error:
        return error


def _line(row, options) -> str:
    from tf_transformer.training.callbacks import json_number

    failed = isinstance(row, ValueError)
    tokens = [] if failed else [(token.piece, token.log_prob) for token in row]
    total = None if failed else sum(log_prob for _, log_prob in tokens)
    if options.json:
        line = {"score": total if failed else json_number(total)}
        if options.tokens:
            line["tokens"] = [  # pyright: ignore[reportArgumentType]
                {"piece": piece, "log_prob": json_number(value)}
                for piece, value in tokens
            ]
        return json.dumps(line, ensure_ascii=False, allow_nan=False)
    words = [] if failed else [f"{total:.4f}"]
    if options.tokens:
        words += [f"{piece} {value:.4f}" for piece, value in tokens]
    return "\t".join(words)


def add_score(verb) -> None:
    """Adds the options of `score` to its parser."""
    verb.add_argument("run", help="the run's folder")
    verb.add_argument(
        "--source", required=True, metavar="FILE", help="source sentences"
    )
    verb.add_argument(
        "--target", required=True, metavar="FILE", help="translations, one per line"
    )
    verb.add_argument(
        "--tokens", action="store_true", help="print the score of each token too"
    )
    verb.add_argument(
        "--json", action="store_true", help="print one JSON object per line"
    )
    verb.add_argument(
        "--batch-size",
        type=positive,
        default=32,
        metavar="INT",
        help="number of pairs scored at once (default: 32)",
    )
