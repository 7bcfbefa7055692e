"""Callbacks at the end of an epoch: translate, score, keep, log, stop."""

import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras

from tf_transformer.training.checkpoints import checkpoint_files, save_checkpoint
from tf_transformer.training.quality import quality
from tf_transformer.training.weights import save_weights
from tf_transformer.utils.atomic import replacing

NUM_SAMPLES = 3  # translations shown after each epoch


class TranslationQuality(keras.callbacks.Callback):
    """Translates validation sentences after each epoch and scores them.

    Adds `bleu` and `chrf` to the epoch's logs, for the callbacks after this one.

    Args:
        translate: Function from a list of strings to a list of strings.
        pairs: Validation pairs (source, target).
        tokenize: sacreBLEU's tokenizer for BLEU. Defaults to "13a".
    """

    def __init__(
        self,
        translate: Callable[[list[str]], list[str]],
        pairs: Sequence[tuple[str, str]],
        tokenize: str = "13a",
    ):
        super().__init__()
        self.translate = translate
        self.sources = [source for source, _ in pairs]
        self.references = [target for _, target in pairs]
        self.tokenize = tokenize
        self.signatures: dict[str, str] = {}
        self.samples: list[tuple[str, str, str]] = []

    def on_epoch_end(self, epoch, logs=None):
        translations = self.translate(self.sources)
        scores = quality(translations, self.references, self.tokenize)
        self.signatures = {
            name: scores[f"{name}_signature"] for name in ("bleu", "chrf")
        }
        if logs is not None:
            logs.update(bleu=scores["bleu"], chrf=scores["chrf"])
        triples = zip(self.sources, translations, self.references, strict=True)
        self.samples = list(triples)[:NUM_SAMPLES]
        print(f"\nbleu {scores['bleu']}  chrf {scores['chrf']}", flush=True)
        for source, translation, _ in self.samples:
            print(f"  {source}\n  -> {translation}", flush=True)


class KeepBest(keras.callbacks.Callback):
    """Saves the weights of the best epoch and stops when there is no improvement.

    Args:
        path: File for the best weights, ending in `.weights.h5`.
        monitor: Name in the logs: "bleu", "val_nll", ...
        patience: Optional integer. Epochs without improvement before training stops.
    """

    def __init__(self, path: Path, monitor: str, patience: int | None = None):
        super().__init__()
        self.path = Path(path)
        self.monitor = monitor
        self.patience = patience
        self.higher_is_better = monitor.endswith(("bleu", "chrf", "accuracy"))
        self.best: float | None = None
        self.best_epoch: int | None = None

    def on_epoch_end(self, epoch, logs=None):
        if not self.keep_if_better(epoch, logs) and self.exhausted(epoch):
            self.model.stop_training = True
            print(
                f"\nStopped early: {self.monitor} has not improved on {self.best:.4g} "
                f"(epoch {self.best_epoch + 1}) for {self.patience} epochs."
            )

    def keep_if_better(self, epoch: int, logs: dict | None) -> bool:
        """Keeps the model's weights if their score is the best so far."""
        if self.monitor not in (logs or {}):
            raise ValueError(
                f"There is no {self.monitor!r} to choose the best epoch by. Expected "
                f"one of {sorted(logs or {})}. Received: monitor={self.monitor!r}"
            )
        value = float(logs[self.monitor])
        sign = 1 if self.higher_is_better else -1
        if not math.isfinite(value):
            return False
        # earlier versions kept NaN in a run's state
        first = self.best is None or not math.isfinite(self.best)
        if not (first or sign * value > sign * self.best):  # pyright: ignore
            return False
        self.best, self.best_epoch = value, epoch
        save_weights(self.model, self.path)
        return True

    def exhausted(self, epoch: int) -> bool:
        """Whether `patience` epochs up to `epoch` brought no improvement."""
        if self.patience is None or self.best_epoch is None:
            return False
        return epoch - self.best_epoch >= self.patience

    def state(self) -> dict:
        """The state that a resumed run restores."""
        return {"best": self.best, "best_epoch": self.best_epoch}

    def restore(self, state: dict) -> None:
        """Restores the state of an earlier process."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]


class SaveCheckpoint(keras.callbacks.Callback):
    """Writes a checkpoint after each epoch and removes the oldest ones.

    Args:
        folder: Where checkpoints go, as `epoch-0001.npz` and so on.
        keep_best: The run's `KeepBest`, whose state is kept too.
        num_kept: How many stay, the latest ones. Defaults to 2.
    """

    def __init__(self, folder: Path, keep_best: KeepBest, num_kept: int = 2):
        super().__init__()
        self.folder = Path(folder)
        self.keep_best = keep_best
        self.num_kept = num_kept

    def on_epoch_end(self, epoch, logs=None):
        finished = epoch + 1
        state = {
            "epoch": finished,
            **self.keep_best.state(),
        }
        save_checkpoint(self.folder / f"epoch-{finished:04d}.npz", self.model, state)
        for path in checkpoint_files(self.folder)[: -self.num_kept]:
            path.unlink()


class JsonLog(keras.callbacks.Callback):
    """Appends a line of JSON after each epoch: number, seconds, updates and logs.

    When training continues after a kill, lines of epochs that run again and a line
    that was cut short are removed first.

    Args:
        path: The file; it is created if necessary.
    """

    def __init__(self, path: Path):
        super().__init__()
        self.path = Path(path)
        self._is_trimmed = False

    def on_epoch_begin(self, epoch, logs=None):
        if not self._is_trimmed:
            self._keep_lines(last_epoch=epoch)
            self._is_trimmed = True
        self.started = time.monotonic()

    def _keep_lines(self, last_epoch):
        """Removes what is not a line of an epoch up to `last_epoch`."""
        if not self.path.exists():
            return
        text = self.path.read_bytes().decode("utf-8", errors="replace")
        kept = {}  # by epoch: earlier versions wrote some lines twice
        for line in text.splitlines():
            epoch = _epoch_of(line)
            if epoch is not None and epoch <= last_epoch:
                kept[epoch] = line + "\n"
        if "".join(kept.values()) != text:
            with replacing(self.path) as temporary:
                temporary.write_text("".join(kept.values()), encoding="utf-8")

    def on_epoch_end(self, epoch, logs=None):
        line = {
            "epoch": epoch + 1,
            "seconds": round(time.monotonic() - self.started, 1),
            "updates": int(self.model.optimizer.iterations.numpy()),
            **{name: json_number(value) for name, value in (logs or {}).items()},
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")


def _epoch_of(line: str) -> int | None:
    try:
        epoch = json.loads(line)["epoch"]
    except (ValueError, TypeError, KeyError):
        return None
    return epoch if isinstance(epoch, int) else None


def json_number(value) -> float | None:
    """A float, or `None` (null) for NaN and infinity, which JSON does not have."""
    value = float(value)
    return value if math.isfinite(value) else None
