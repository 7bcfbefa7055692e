"""Callbacks at the end of an epoch: scores, best weights, early stopping, log."""

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops

from tf_transformer.data.corpus import check_pairs
from tf_transformer.training.quality import score_translations
from tf_transformer.training.weights import save_weights
from tf_transformer.utils.atomic import naming
from tf_transformer.utils.growing import cut_back
from tf_transformer.utils.processes import from_first_process, is_first_process

NUM_SAMPLES = 3  # translations shown after each epoch


class TranslationQuality(keras.callbacks.Callback):
    """Translates validation sentences after each epoch and scores them.

    Adds `bleu` and `chrf` to the epoch's logs. Put it before the callbacks that read
    them, such as `KeepBest`. All processes use the scores of the first one.

    Args:
        translate: Function from a list of strings to a list of strings.
        pairs: Validation pairs (source, target).
        tokenize: sacreBLEU's tokenizer for BLEU. Defaults to "13a".

    Raises:
        ValueError: If an item of `pairs` is not a pair.

    Example: a "translator" that copies.

    >>> pairs = [("one two three four", "one two three four")]
    >>> logs = {}
    >>> TranslationQuality(lambda texts: texts, pairs).on_epoch_end(0, logs)
    <BLANKLINE>
    bleu 100.0  chrf 100.0
      one two three four
      -> one two three four
    >>> logs
    {'bleu': 100.0, 'chrf': 100.0}
    """

    def __init__(
        self,
        translate: Callable[[list[str]], list[str]],
        pairs: Sequence[tuple[str, str]],
        tokenize: str = "13a",
    ):
        super().__init__()
        pairs = check_pairs(pairs)
        self.translate = translate
        self.sources = [source for source, _ in pairs]
        self.references = [target for _, target in pairs]
        self.tokenize = tokenize
        self.signatures: dict[str, str] = {}
        self.samples: list[tuple[str, str, str]] = []

    def highest_bleu(self) -> float:
        """BLEU of the references against themselves: 0 if none has four words."""
        references = self.references
        return score_translations(references, references, self.tokenize)["bleu"]

    def on_epoch_end(self, epoch, logs=None):
        translations = self.translate(self.sources)
        scores = score_translations(translations, self.references, self.tokenize)
        self.signatures = {
            name: scores[f"{name}_signature"] for name in ("bleu", "chrf")
        }
        bleu, chrf = from_first_process([scores["bleu"], scores["chrf"]])
        if logs is not None:
            logs.update(bleu=bleu, chrf=chrf)
        triples = zip(self.sources, translations, self.references, strict=True)
        self.samples = list(triples)[:NUM_SAMPLES]
        print(f"\nbleu {scores['bleu']}  chrf {scores['chrf']}", flush=True)
        for source, translation, _ in self.samples:
            print(f"  {source}\n  -> {translation}", flush=True)


class KeepBest(keras.callbacks.Callback):
    """Saves the weights of the best epoch and stops when there is no improvement.

    Args:
        path: File for the best weights, ending in `.weights.h5`.
        monitor: Name in the logs: "bleu", "val_nll", ... The highest value is the best
            if the name ends in "bleu", "chrf", "accuracy", "acc" or "auc", otherwise
            the lowest.
        patience: Optional integer. Epochs without improvement before training stops.
            The count starts again in another `fit`; the best score is kept.
        mode: `"auto"`, or `"max"` or `"min"` as in Keras' callbacks. Defaults to
            `"auto"`.

    Raises:
        ValueError: If the path ends otherwise, for another mode, or at the end of an
            epoch, if the logs do not contain this name.

    Example:

    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    >>> model.compile(loss="mse")
    >>> best = KeepBest("best.weights.h5", "loss")
    >>> _ = model.fit(np.ones((4, 3)), np.ones(4), callbacks=[best], verbose=0)
    >>> best.best_epoch, Path("best.weights.h5").exists()
    (0, True)
    """

    def __init__(
        self,
        path: str | os.PathLike,
        monitor: str,
        patience: int | None = None,
        mode: str = "auto",
    ):
        super().__init__()
        if mode not in ("auto", "max", "min"):
            raise ValueError(f"Expected mode auto, max or min. Received: mode={mode!r}")
        if not str(path).endswith(".weights.h5"):
            raise ValueError(
                "KeepBest writes weights in Keras' format. Expected a path that ends "
                f"in .weights.h5. Received: {path}"
            )
        self.path = Path(path)
        self.monitor = monitor
        self.patience = patience
        rising = ("bleu", "chrf", "accuracy", "acc", "auc")
        self.higher_is_better = (
            monitor.endswith(rising) if mode == "auto" else mode == "max"
        )
        self.best: float | None = None
        self.best_epoch: int | None = None
        self._last_improvement: int | None = None

    def on_epoch_begin(self, epoch, logs=None):
        if self._last_improvement is not None and epoch <= self._last_improvement:
            self._last_improvement = epoch - 1  # another `fit` counts from 0 again

    def on_epoch_end(self, epoch, logs=None):
        if not self.keep_if_better(epoch, logs) and self.exhausted(epoch):
            self.model.stop_training = True
            print(
                f"\nStopped early: {self.monitor} has not improved on {self.best:.4g} "
                f"(epoch {self.best_epoch + 1}) for {self.patience} epochs."
            )

    def keep_if_better(self, epoch: int, logs: dict | None) -> bool:
        """Saves the model's weights if their score is the best so far."""
        if self.monitor not in (logs or {}):
            raise ValueError(
                f"The logs have no {self.monitor!r}, which chooses the best epoch. "
                f"Expected one of {sorted(logs or {})}. Received: "
                f"monitor={self.monitor!r}"
            )
        value = float(logs[self.monitor])
        if not self.improves(value):
            return False
        self.best, self.best_epoch, self._last_improvement = value, epoch, epoch
        save_weights(self.model, self.path)
        return True

    def improves(self, value: float) -> bool:
        """Whether a score is better than the best so far; NaN never is."""
        if not math.isfinite(value):
            return False
        # earlier versions saved NaN in a run's state
        if self.best is None or not math.isfinite(self.best):
            return True
        return value > self.best if self.higher_is_better else value < self.best

    def exhausted(self, epoch: int) -> bool:
        """Whether the last `patience` epochs did not improve the score."""
        if self.patience is None or self._last_improvement is None:
            return False
        return epoch - self._last_improvement >= self.patience

    def state(self) -> dict:
        """The state that a resumed run restores."""
        return {"best": self.best, "best_epoch": self.best_epoch}

    def restore(self, state: dict) -> None:
        """Restores the state of an earlier process."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self._last_improvement = self.best_epoch


class JsonLog(keras.callbacks.Callback):
    """Appends a line of JSON after each epoch: number, seconds, updates and logs.

    A resumed run first truncates the file to its size at the checkpoint.

    Args:
        path: The file; it is created if necessary.

    Example:

    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    >>> model.compile(loss="mse")
    >>> log = JsonLog("log.jsonl")
    >>> _ = model.fit(np.ones((4, 3)), np.ones(4), callbacks=[log], verbose=0)
    >>> list(json.loads(Path("log.jsonl").read_text()))
    ['epoch', 'seconds', 'updates', 'loss']
    """

    def __init__(self, path: str | os.PathLike):
        super().__init__()
        self.path = Path(path)
        self._seconds = 0.0  # of the epoch, in earlier processes
        self._started: float | None = None

    def state(self) -> dict:
        """The size of the file, and the seconds spent in the current epoch."""
        size = self.path.stat().st_size if self.path.exists() else 0
        return {"size": size, "seconds": self._elapsed()}

    def restore(self, state: dict | None) -> None:
        """Restores the file and the seconds; `None` empties the file."""
        state = state or {"size": 0, "seconds": 0.0}
        self._seconds = state["seconds"]
        if is_first_process():
            sizes = {self.path.name: state["size"]}
            cut_back(self.path.parent, self.path.name, sizes)

    def _elapsed(self) -> float:
        if self._started is None:
            return 0.0
        return self._seconds + time.monotonic() - self._started

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        line = {
            "epoch": epoch + 1,
            "seconds": round(self._elapsed(), 1),
            "updates": int(ops.convert_to_numpy(self.model.optimizer.iterations)),
            **{name: _json_value(value) for name, value in (logs or {}).items()},
        }
        self._seconds, self._started = 0.0, None
        if not is_first_process():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with naming(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")


def _json_value(value) -> float | list | None:
    """A number, or a list of the numbers of a metric with several."""
    if np.ndim(value) == 0:
        return json_number(value)
    return [_json_value(part) for part in np.asarray(value)]


def json_number(value) -> float | None:
    """A float, or `None` (null) for NaN and infinity, which JSON does not support."""
    value = float(value)
    return value if math.isfinite(value) else None
