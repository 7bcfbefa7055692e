"""The command `tf-transformer`: parses options and calls the package."""

import contextlib
import os
import sys
import tempfile
import warnings

from tf_transformer.cli.options import make_parser

__all__ = ["main", "make_parser"]

PRINTING_VERBS = ("attend", "doctor", "info", "score", "translate")


def main(arguments: list[str] | None = None) -> int:
    """Runs a command line.

    Args:
        arguments: Arguments of the command line. Defaults to `sys.argv[1:]`.

    Returns:
        0 for success, 1 after an error (one line on standard error), 130 after
        Ctrl-C, 143 after SIGTERM in a training. Wrong usage exits with 2. When the
        reader of standard output ends first, as in `| head`, 0 for a verb that only
        prints, otherwise 1.
    """
    options = _parsed(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.showwarning = _show_warning
    try:
        with _without_startup_messages():
            _import_keras()
        return options.verb(options) or 0
    except KeyboardInterrupt as interrupt:
        print(f"\nStopped. {interrupt}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _after_closed_output(options.verb.__name__.rstrip("_"))
    except (OSError, ValueError) as error:
        print(f"tf-transformer: {error}", file=sys.stderr)
        return 1
    except Exception as error:
        # such as out of memory: TensorFlow's errors have no base class in Python
        if not type(error).__module__.startswith("tensorflow"):
            raise
        first_line, *_ = str(error).splitlines() or [""]
        print(f"tf-transformer: {type(error).__name__}: {first_line}", file=sys.stderr)
        return 1


def _after_closed_output(verb: str) -> int:
    if verb in PRINTING_VERBS:
        return 0
    advice = " Run the same command again to resume." if verb == "train" else ""
    print(
        f"tf-transformer: The reader of standard output has ended, so `{verb}` has "
        f"stopped.{advice}",
        file=sys.stderr,
    )
    return 1


def _parsed(arguments):
    parser = make_parser()
    options, others = parser.parse_known_args(arguments)
    # argparse ends the list of texts at the first option: translate RUN --nbest 2 TEXT
    are_texts = hasattr(options, "text") and not any(o.startswith("-") for o in others)
    if others and not are_texts:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    if others:
        options.text += others
    return options


def _import_keras() -> None:
    try:
        import keras  # noqa: F401
    except ModuleNotFoundError as error:
        raise ValueError(
            f"Keras cannot be imported. Expected the package {error.name}, or the "
            "name of another backend in KERAS_BACKEND. Received: "
            f"KERAS_BACKEND={os.environ.get('KERAS_BACKEND')}"
        ) from error


@contextlib.contextmanager
def _without_startup_messages():
    """Hides TensorFlow's messages while it is imported, unless the import fails."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as messages:
        stderr = os.dup(2)
        os.dup2(messages.fileno(), 2)
        try:
            yield
        except BaseException:
            messages.seek(0)
            os.write(stderr, messages.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    print(f"tf-transformer: warning: {message}", file=sys.stderr)
