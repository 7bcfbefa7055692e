"""The folder of a run: settings, checkpoints, weights, scores, logs."""

import dataclasses
import importlib.metadata
from pathlib import Path

import keras

from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.inference.shortlist import LexicalShortlist
from tf_transformer.inference.translator import Translator
from tf_transformer.models import ARCHITECTURES
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.contents import (
    FORMAT_VERSION,
    check_contents,
    check_object,
    check_sizes,
)
from tf_transformer.training.checkpoints import checkpoint_files, epoch_of
from tf_transformer.training.weights import load_weights
from tf_transformer.utils.atomic import read_json, remove_abandoned, write_json
from tf_transformer.utils.checksum import DamagedFile, fingerprint
from tf_transformer.utils.processes import is_first_process
from tf_transformer.version import __version__

PACKAGES = ("tensorflow", "keras", "numpy", "sentencepiece", "sacrebleu")


class RunDirectory:
    """Reads and writes `runs/<name>/`.

        config.json        settings, the model's arguments, package versions
        tokenizer.model    the vocabulary (two files if the sides have their own)
        checkpoints/       weights, optimizer, random state, position in the data, ...
        best.weights.h5    the weights of the best epoch, or of the average
        average.weights.h5 the average of the last epochs, if requested
        average.json       the epochs of the average, and its scores
        logs/              TensorBoard
        log.jsonl          one line of figures per epoch
        shortlist.npz      likely translations of each token, if they were imported
        .first-epoch       only until the first checkpoint is written
        evaluation.json    scores with their sacreBLEU signatures

    Args:
        path: The folder.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.best_weights = self.path / "best.weights.h5"
        self.average_weights = self.path / "average.weights.h5"
        self.shortlist_file = self.path / "shortlist.npz"
        self.logs = self.path / "logs"
        self.json_log = self.path / "log.jsonl"
        self.first_epoch_marker = self.path / ".first-epoch"
        self._config_file = self.path / "config.json"
        self._average_file = self.path / "average.json"
        self._evaluation_file = self.path / "evaluation.json"

    def exists(self) -> bool:
        """Whether the folder contains a run."""
        return self._config_file.exists()

    def begin(
        self,
        config: TrainingConfig,
        tokenizer: Tokenizer,
        model,
        is_trained: bool = False,
        **more,
    ) -> None:
        """Writes settings and, in a new run, the tokenizer before the first update.

        If there are several processes, only the first one writes.

        Args:
            config: The settings.
            tokenizer: The tokenizer.
            model: The model.
            is_trained: Whether the run already has its best weights. Defaults to
                `False`.
            **more: Further entries of `config.json`, such as `data`, the fingerprints
                of the files of pairs.

        Raises:
            OSError: If the folder cannot be written.
        """
        if not is_first_process():
            return
        for folder in (self.path, self.checkpoints, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
            remove_abandoned(folder)
        if self.latest_checkpoint() is None:
            if not is_trained:
                self.first_epoch_marker.touch()
            tokenizer.save(self.path)
        versions = {name: _version(name) for name in PACKAGES}
        contents = {
            "format_version": FORMAT_VERSION,
            "versions": {"tf_transformer": __version__, **versions},
            "backend": keras.backend.backend(),
            "training": dataclasses.asdict(config),
            "model": model.arguments(),
            "tokenizer": self._tokenizer_fingerprints(),
            **more,
        }
        write_json(self._config_file, contents)

    def _tokenizer_fingerprints(self) -> dict[str, str]:
        paths = sorted(self.path.glob("*.model"))
        return {path.name: fingerprint(path) for path in paths}

    def end_first_epoch(self) -> None:
        """Removes the mark of a run without a checkpoint."""
        self.first_epoch_marker.unlink(missing_ok=True)

    def check_checkpoints(self) -> None:
        """Checks that a run whose training has begun still has a checkpoint.

        Raises:
            ValueError: If its checkpoints were removed.
        """
        is_trained = self.best_weights.exists() and not self.first_epoch_marker.exists()
        if is_trained and self.latest_checkpoint() is None:
            raise ValueError(
                "The run was trained, but its checkpoints are gone; training would "
                "start over and replace the best weights. Expected epoch-*.npz in "
                f"{self.checkpoints}, or another folder. Received: {self.path}"
            )

    def contents(self) -> dict:
        """`config.json`.

        Raises:
            FileNotFoundError: If this is not the folder of a run.
            ValueError: If `config.json` has another format, or a newer version of
                the package wrote it.
        """
        if not self.exists():
            raise FileNotFoundError(
                "This is not the folder of a run: there is no config.json. "
                f"Received: {self.path}"
            )
        return check_contents(read_json(self._config_file), self._config_file)

    def config(self) -> TrainingConfig:
        """The run's settings."""
        settings = self.contents()["training"]
        config = TrainingConfig(**settings).with_defaults()
        if "preset" in settings:  # null in the run of an imported model, which has none
            config = dataclasses.replace(config, preset=settings["preset"])
        return config

    def latest_checkpoint(self) -> Path | None:
        """The latest checkpoint."""
        return next(reversed(self.all_checkpoints()), None)

    def all_checkpoints(self) -> list[Path]:
        """All checkpoints in order, including checkpoints within epochs."""
        return checkpoint_files(self.checkpoints)

    def last_checkpoints(self, count: int) -> list[Path]:
        """The checkpoints at the ends of the last `count` epochs, in order."""
        paths = self.all_checkpoints()
        return [path for path in paths if epoch_of(path) is not None][-count:]

    def average(self) -> dict | None:
        """The epochs of the average and its scores, if it has been made."""
        if not self._average_file.exists():
            return None
        average = read_json(self._average_file)
        return check_object(average, self._average_file, "epochs", "is_best", "value")

    def set_average(self, contents: dict) -> None:
        """Writes the epochs of the average and its scores."""
        if is_first_process():
            write_json(self._average_file, contents)

    def tokenizer(self) -> Tokenizer:
        """The run's tokenizer.

        Raises:
            DamagedFile: If a file has changed since the run began.
        """
        fingerprints = self._tokenizer_fingerprints()
        for name, expected in self.contents().get("tokenizer", {}).items():
            if fingerprints.get(name) != expected:
                raise DamagedFile(
                    f"{self.path / name} is damaged or gone. Expected {expected}. "
                    f"Received: {fingerprints.get(name)}"
                )
        return Tokenizer.load(self.path)

    def translator(
        self,
        batch_size: int = 32,
        dtype: str | keras.DTypePolicy | None = None,
    ) -> Translator:
        """A translator with the weights of the best epoch.

        Args:
            batch_size: Sentences translated at once. Defaults to 32.
            dtype: Keras dtype policy, such as `"float32"`. Defaults to the policy of
                the training.

        Raises:
            FileNotFoundError: If no epoch has been finished yet.
            ValueError: If a file of the run is damaged, the weights are not finite, or
                Keras does not know the `dtype`.
        """
        config = self.config()
        policy = config.dtype if dtype is None else keras.dtype_policies.get(dtype)
        arguments = self.contents()["model"]
        self._check_best_weights()
        check_sizes(arguments, self.best_weights, self._config_file)
        kind = ARCHITECTURES[config.architecture]  # pyright: ignore[reportArgumentType]
        try:
            model = kind(**arguments, dtype=policy)
        # Keras raises any of these for values such as an activation's
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            raise ValueError(
                f"{self._config_file} does not describe a model. Received: {error}"
            ) from error
        self.load_best_weights(model)
        return Translator(model, self.tokenizer(), batch_size)

    def shortlist(self) -> LexicalShortlist:
        """The shortlist that was imported with the model.

        Raises:
            FileNotFoundError: If the run has none.
        """
        if not self.shortlist_file.exists():
            raise FileNotFoundError(
                "The run has no shortlist. Expected a run imported from a folder with "
                f"one file lex*.bin. Received: {self.path}"
            )
        return LexicalShortlist.load(self.shortlist_file)

    def load_best_weights(self, model) -> None:
        """Loads the weights of the best epoch into a model of the same sizes.

        Raises:
            FileNotFoundError: If no epoch has been finished yet.
            ValueError: If the file is damaged, or the weights are not finite.
        """
        self._check_best_weights()
        load_weights(model, self.best_weights)

    def _check_best_weights(self) -> None:
        if not self.best_weights.exists():
            raise FileNotFoundError(
                f"No epoch of this run has been finished yet. Received: {self.path}"
            )

    def evaluation(self) -> dict:
        """All scores measured so far, by name of the test set."""
        if not self.evaluated():
            return {}
        return check_object(read_json(self._evaluation_file), self._evaluation_file)

    def evaluated(self) -> bool:
        """Whether there are scores."""
        return self._evaluation_file.exists()

    def add_evaluation(self, name: str, scores: dict) -> None:
        """Adds the scores of one test set to `evaluation.json`."""
        write_json(self._evaluation_file, {**self.evaluation(), name: scores})


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
