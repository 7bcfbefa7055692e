"""Distinguishes the folder of a run from an exported model."""

from pathlib import Path

from tf_transformer.utils.versions import version_folders


def saved_model_folder(path: str) -> Path | None:
    """The SavedModel at `path`, or its highest version below it, or `None`."""
    versions = version_folders(path)
    for folder in (Path(path), *reversed(versions.values())):
        if (folder / "saved_model.pb").exists():
            return folder
    return None


def run_directory(path: str):
    """The run at `path`.

    Raises:
        FileNotFoundError: If there is none.
    """
    if not Path(path, "config.json").exists():
        if saved_model_folder(path) is not None:
            raise FileNotFoundError(
                "An exported model has no settings of a run. Expected the folder of "
                f"the run. Received: the exported model {path}"
            )
        raise FileNotFoundError(
            "This is neither the folder of a run (no config.json) nor of an "
            f"exported model (no saved_model.pb). Received: {path}"
        )
    from tf_transformer.runs.directory import RunDirectory

    return RunDirectory(path)


def ensemble_runs(path: str, others: list[str] | None):
    """The run at `path`, and the runs of `--ensemble`."""
    return [run_directory(each) for each in (path, *(others or ()))]


def add_ensemble(verb) -> None:
    """Adds the option `--ensemble` to a parser."""
    verb.add_argument(
        "--ensemble",
        action="append",
        metavar="RUN",
        help="another run with the same tokenizer: probabilities are the mean of all "
        "runs; may be repeated",
    )
