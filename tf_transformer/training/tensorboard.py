"""TensorBoard's log of a run; `telemetry.py` adds to it."""

from pathlib import Path

import keras
import numpy as np

from tf_transformer.training.callbacks import TranslationQuality
from tf_transformer.utils.growing import cut_back, file_sizes
from tf_transformer.utils.processes import is_first_process

UPDATES_PER_POINT = 20
EVENT_FILES = "events.out.tfevents.*"


class EventFiles:
    """The event files of a run; a checkpoint stores their sizes.

    Args:
        folder: Folder of the event files.
        logs: Callbacks with a `writer`: `TensorBoardLog`, `Telemetry`, ...
    """

    def __init__(self, folder: Path, logs=()):
        self.folder = Path(folder)
        self.logs = logs

    def state(self) -> dict[str, int]:
        """Writes all points and returns the sizes of the files."""
        for log in self.logs:
            log.writer.flush()
        return file_sizes(self.folder, EVENT_FILES)

    def restore(self, state: dict | None) -> None:
        """Truncates the files to their sizes; call it before new writers are made."""
        if is_first_process():
            cut_back(self.folder, EVENT_FILES, state or {})


class TensorBoardLog(keras.callbacks.Callback):
    """Writes loss, metrics and learning rate per update, scores and samples per epoch.

    Points under `update/` are exact means over the updates since the last point of the
    epoch. There is one point every 20 updates.

    Args:
        folder: Folder of the event files.
        translation_quality: Optional `TranslationQuality` of the same run, called
            before this one. Its samples and sacreBLEU signatures are shown as text.

    Raises:
        ImportError: Without TensorFlow, which writes the event files.
    """

    def __init__(
        self,
        folder: Path,
        translation_quality: TranslationQuality | None = None,
    ):
        super().__init__()
        try:
            import tensorflow as tf
        except ImportError as error:
            raise ImportError(
                "TensorBoard's event files are written by TensorFlow, which is not "
                "installed. The same figures are in the run's log.jsonl."
            ) from error
        self.summary = tf.summary
        self._folder = str(folder)
        self.writer = self._new_writer()
        self.translation_quality = translation_quality
        self._last_update = 0
        self._last_sums: dict[str, tuple[float, float]] = {}  # of an epoch

    def _new_writer(self):
        if not is_first_process():
            return self.summary.create_noop_writer()
        return self.summary.create_file_writer(self._folder)

    def on_train_end(self, logs=None):
        self.writer.close()
        self.writer = None

    def state(self) -> dict[str, tuple[float, float]]:
        """Returns the sums at the last point of an unfinished epoch."""
        return self._last_sums

    def restore(self, state: dict | None) -> None:
        """Continues the points of an earlier process."""
        self._last_sums = dict(state or {})

    def on_train_begin(self, logs=None):
        if self.writer is None:  # closed at the end of an earlier training
            self.writer = self._new_writer()
        self._last_update = int(_number(self.model.optimizer.iterations))

    def on_train_batch_end(self, batch, logs=None):
        update = int(_number(self.model.optimizer.iterations))
        if update == self._last_update or update % UPDATES_PER_POINT:
            return
        self._last_update = update
        rate = _number(self.model.optimizer.learning_rate)
        with self.writer.as_default(step=update):
            self.summary.scalar("update/learning_rate", rate)
            for name, value in self._means_since_last_point():
                self.summary.scalar(f"update/{name}", value)

    def _means_since_last_point(self):
        metrics = {}
        for metric in self.model.metrics:
            metrics.update({m.name: m for m in getattr(metric, "metrics", [metric])})
        for name, metric in metrics.items():
            if not (hasattr(metric, "total") and hasattr(metric, "count")):
                continue
            total, count = _number(metric.total), _number(metric.count)
            last_total, last_count = self._last_sums.get(name, (0.0, 0.0))
            self._last_sums[name] = total, count
            if count > last_count:
                mean = (total - last_total) / (count - last_count)
                with np.errstate(over="ignore"):
                    yield name, np.exp(mean) if name == "perplexity" else mean

    def on_epoch_end(self, epoch, logs=None):
        self._last_sums = {}  # Keras sets all metrics back to zero
        with self.writer.as_default(step=epoch + 1):
            for name, value in (logs or {}).items():
                self.summary.scalar(f"epoch/{name}", float(value))
            if self.translation_quality is not None:
                self._write_texts(self.translation_quality)

    def _write_texts(self, translation_quality):
        for name, signature in translation_quality.signatures.items():
            self.summary.text(f"signature/{name}", signature)
        lines = ["| source | translation | reference |", "|---|---|---|"]
        for texts in translation_quality.samples:
            lines.append("| " + " | ".join(t.replace("|", "\\|") for t in texts) + " |")
        self.summary.text("samples", "\n".join(lines))


def _number(value) -> float:
    """A scalar tensor or variable as a float; on several replicas, their sum."""
    return float(keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(value)))
