"""Checks of the settings that name a run's data."""

import os

from tf_transformer.corpora.loading import BUILT_IN

DEFAULT_CORPUS = "en_ko_grammar"
FILES = tuple(
    f"{split}_{side}"
    for split in ("train", "valid", "test")
    for side in ("source", "target")
)


def check_data(config) -> None:
    """Checks that files and names of data fit together.

    Raises:
        ValueError: If a file lacks its counterpart or is a pipe, or data is named
            twice.
    """
    _check_files(config)
    _check_pipes(config)
    _check_named_data(config)


def _check_files(config) -> None:
    for split in ("train", "valid", "test"):
        files = getattr(config, f"{split}_source"), getattr(config, f"{split}_target")
        if (files[0] is None) != (files[1] is None):
            raise ValueError(
                "A source file needs its target file. Received: "
                f"{split}_source={_words(files[0])}, {split}_target={_words(files[1])}"
            )
    _check_training_files(config)
    others = [name for name in FILES[2:] if getattr(config, name) is not None]
    if config.train_source is None and others and config.window is None:
        raise ValueError(
            "Validation and test files go with training files. Expected "
            "train_source and train_target, or window and data. "
            f"Received: {', '.join(others)} only"
        )
    if config.test_source is not None and config.valid_source is None:
        raise ValueError(
            "The best epoch is chosen on validation files. Expected "
            "valid_source and valid_target too. Received: only test_source"
        )


def _check_pipes(config) -> None:
    for name in ("data", *FILES):
        value = getattr(config, name)
        for path in value if isinstance(value, tuple) else (value or "",):
            known = os.path.isfile(path) or os.path.isdir(path)
            if not known and os.path.exists(path):
                raise ValueError(
                    f"A training reads its data again when it resumes. Expected {name} "
                    f"to be a file, plain or gzip. Received: {path}, which is a pipe "
                    "or a device"
                )


def _words(files: str | tuple[str, ...] | None) -> str:
    return " ".join(files) if isinstance(files, tuple) else str(files)


def _check_training_files(config) -> None:
    sources, targets = config.train_source, config.train_target
    weights = config.train_weights
    if sources is not None and config.data is not None:
        raise ValueError(
            "The training data is named twice. Expected data or train_source. "
            f"Received: data={config.data}, train_source={_words(sources)}"
        )
    if sources is not None and len(sources) != len(targets):
        raise ValueError(
            "Each source file needs its target file. Expected as many of train_target "
            f"as of train_source. Received: {len(sources)} and {len(targets)} files"
        )
    if weights is None:
        return
    if len(weights) != len(sources or ()) or min(weights, default=0) < 1:
        raise ValueError(
            "train_weights says how often an epoch contains each training file. "
            "Expected one integer of at least 1 for each file of train_source. "
            f"Received: {weights} for {len(sources or ())} files"
        )


def _check_named_data(config) -> None:
    is_built_in = config.data in (None, *BUILT_IN) and config.train_source is None
    if config.window is not None and is_built_in:
        raise ValueError(
            "A built-in corpus is not a stream. Expected a window with files or "
            f"a TFDS set. Received: window={config.window}, data={config.data}"
        )
    languages = config.source_language, config.target_language
    named = config.data is None or not os.path.exists(config.data)
    if languages != (None, None) and not (named and config.train_source is None):
        raise ValueError(
            "The order of the files sets the direction. Expected source_language "
            "and target_language only with the name of a corpus. "
            f"Received: source_language={languages[0]}, "
            f"target_language={languages[1]}"
        )
