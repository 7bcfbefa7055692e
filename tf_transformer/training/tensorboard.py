"""The run in TensorBoard. The only file of this room that needs TensorFlow."""

from pathlib import Path

import keras

from tf_transformer.training.callbacks import TranslationQuality


class TensorBoardLog(keras.callbacks.Callback):
    """Writes loss, metrics and rate per update, scores and samples per epoch.

    Args:
        folder: Where the event files go.
        translation_quality: Optional `TranslationQuality` of the same run, called
            before this one: its samples and sacreBLEU signatures are shown as text.
        every: Updates between two points. Defaults to 20.

    Raises:
        ImportError: Without TensorFlow, which writes the event files.
    """

    def __init__(
        self,
        folder: Path,
        translation_quality: TranslationQuality | None = None,
        every: int = 20,
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
        self.writer = tf.summary.create_file_writer(str(folder))
        self.translation_quality = translation_quality
        self.every = every

    def on_train_batch_end(self, batch, logs=None):
        update = int(self.model.optimizer.iterations)
        if update % self.every:
            return
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        with self.writer.as_default(step=update):
            self.summary.scalar("update/learning_rate", rate)
            for name, value in (logs or {}).items():
                self.summary.scalar(f"update/{name}", float(value))

    def on_epoch_end(self, epoch, logs=None):
        with self.writer.as_default(step=epoch + 1):
            for name, value in (logs or {}).items():
                self.summary.scalar(f"epoch/{name}", float(value))
            if self.translation_quality is not None:
                self._write_texts(self.translation_quality)
        self.writer.flush()

    def _write_texts(self, translation_quality):
        for name, signature in translation_quality.signatures.items():
            self.summary.text(f"signature/{name}", signature)
        lines = ["| source | translation | reference |", "|---|---|---|"]
        for texts in translation_quality.samples:
            lines.append("| " + " | ".join(t.replace("|", "\\|") for t in texts) + " |")
        self.summary.text("samples", "\n".join(lines))

    def on_train_end(self, logs=None):
        self.writer.close()
