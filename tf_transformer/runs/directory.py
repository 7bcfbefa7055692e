"""The folder of a run: what was asked for, learnt and measured."""

import dataclasses
import importlib.metadata
from pathlib import Path

import keras

from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.inference.translator import Translator
from tf_transformer.models import ARCHITECTURES
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.utils.atomic import read_json, write_json
from tf_transformer.version import __version__

FORMAT_VERSION = 1
PACKAGES = ("tensorflow", "keras", "numpy", "sentencepiece", "sacrebleu")


class RunDirectory:
    """Reads and writes `runs/<name>/`.

        config.json        settings, the model's arguments, package versions
        tokenizer.model    the vocabulary (two files if the sides have their own)
        checkpoints/       weights, optimizer, random state, epoch
        best.weights.h5    the weights of the best epoch, or of the average
        average.weights.h5 the average of the last epochs, if asked for
        average.json       which epochs these are, and their scores
        logs/              TensorBoard
        log.jsonl          one line of figures per epoch
        evaluation.json    scores with their sacreBLEU signatures

    Args:
        path: The folder.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.best_weights = self.path / "best.weights.h5"
        self.average_weights = self.path / "average.weights.h5"
        self.logs = self.path / "logs"
        self.json_log = self.path / "log.jsonl"
        self._config_file = self.path / "config.json"
        self._average_file = self.path / "average.json"
        self._evaluation_file = self.path / "evaluation.json"

    def exists(self) -> bool:
        """Whether a run was begun here."""
        return self._config_file.exists()

    def begin(self, config: TrainingConfig, tokenizer: Tokenizer, model) -> None:
        """Writes what is known before the first update."""
        tokenizer.save(self.path)
        versions = {name: _version(name) for name in PACKAGES}
        contents = {
            "format_version": FORMAT_VERSION,
            "versions": {"tf_transformer": __version__, **versions},
            "backend": keras.backend.backend(),
            "training": dataclasses.asdict(config),
            "model": model.arguments(),
        }
        write_json(self._config_file, contents)

    def contents(self) -> dict:
        """`config.json`.

        Raises:
            FileNotFoundError: If this is not the folder of a run.
            ValueError: If a newer version of the package wrote it.
        """
        if not self.exists():
            raise FileNotFoundError(
                "This is not the folder of a run: it holds no config.json. "
                f"Received: {self.path}"
            )
        contents = read_json(self._config_file)
        version = contents.get("format_version")
        if version is None:
            raise FileNotFoundError(
                f"This is not the folder of a run: {self._config_file} is some other "
                f"program's. Received: {self.path}"
            )
        if version > FORMAT_VERSION:
            raise ValueError(
                f"{self._config_file} was written by a newer tf_transformer. Expected "
                f"format_version at most {FORMAT_VERSION}. Received: {version!r}"
            )
        return contents

    def config(self) -> TrainingConfig:
        """The run's settings."""
        return TrainingConfig(**self.contents()["training"])

    def latest_checkpoint(self) -> Path | None:
        """The checkpoint of the latest finished epoch."""
        return max(self.checkpoints.glob("epoch-*.npz"), default=None)

    def last_checkpoints(self, count: int) -> list[Path]:
        """The checkpoints of the latest finished epochs, in their order."""
        return sorted(self.checkpoints.glob("epoch-*.npz"))[-count:]

    def average(self) -> dict | None:
        """The epochs of the average and its scores, if it has been made."""
        return read_json(self._average_file) if self._average_file.exists() else None

    def set_average(self, contents: dict) -> None:
        """Writes the epochs of the average and its scores."""
        write_json(self._average_file, contents)

    def tokenizer(self) -> Tokenizer:
        """The run's tokenizer."""
        return Tokenizer.load(self.path)

    def translator(self, batch_size: int = 32) -> Translator:
        """A translator with the weights of the best epoch.

        Args:
            batch_size: Sentences translated at once. Defaults to 32.

        Raises:
            FileNotFoundError: If no epoch has been finished yet.
        """
        contents = self.contents()
        if not self.best_weights.exists():
            raise FileNotFoundError(
                f"No epoch of this run has been finished yet. Received: {self.path}"
            )
        config = self.config()
        model = ARCHITECTURES[config.architecture](
            **contents["model"], dtype=config.dtype
        )
        model.load_weights(self.best_weights)
        return Translator(model, self.tokenizer(), batch_size)

    def evaluation(self) -> dict:
        """All scores measured so far, by name of the test set."""
        return read_json(self._evaluation_file) if self.evaluated() else {}

    def evaluated(self) -> bool:
        """Whether there are scores."""
        return self._evaluation_file.exists()

    def add_evaluation(self, name: str, scores: dict) -> None:
        """Writes the scores of one test set beside the others."""
        write_json(self._evaluation_file, {**self.evaluation(), name: scores})


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
