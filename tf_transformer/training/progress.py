"""A progress line on the terminal."""

import datetime
import sys
import time

import keras

from tf_transformer.training.updates import UpdateCounter

SECONDS_ON_TERMINAL = 0.5
SECONDS_IN_FILES = 60


class ProgressLine(keras.callbacks.Callback):
    """Prints updates, loss, tokens per second and the remaining time.

    On a terminal, the line is updated in place; in a file, a line is added each minute.
    After each epoch, a line with the metrics is printed.

    Args:
        counter: The `UpdateCounter`, called before this callback.
    """

    def __init__(self, counter: UpdateCounter):
        super().__init__()
        self.counter = counter
        self._is_terminal = sys.stdout.isatty()
        self._begin = None
        self._shown_at = 0.0

    def on_train_batch_end(self, batch, logs=None):
        if not self.counter.is_between:
            return
        now = time.monotonic()
        if self._begin is None:  # after the first update, which compiles
            self._begin, self._shown_at = (now, self.counter.progress()), now
        every = SECONDS_ON_TERMINAL if self._is_terminal else SECONDS_IN_FILES
        if now - self._shown_at < every:
            return
        self._shown_at = now
        loss = float((logs or {}).get("loss", 0.0))
        line = f"{self._done()}  loss {loss:.4f}{self._speed(now)}"
        if self._is_terminal:
            print(f"\r{line}\033[K", end="", flush=True)
        else:
            print(line, flush=True)

    def _done(self) -> str:
        return f"update {self.counter.updates:,}/{self.counter.plan.total:,}"

    def _speed(self, now) -> str:
        since, first = self._begin  # pyright: ignore[reportGeneralTypeIssues]
        progress = self.counter.progress()
        seconds, updates = now - since, progress.updates - first.updates
        if not (seconds and updates):
            return ""
        left = seconds / updates * (self.counter.plan.total - progress.updates)
        return (
            f"  {(progress.tokens - first.tokens) / seconds:,.0f} tokens/s"
            f"  {datetime.timedelta(seconds=round(left))} left"
        )

    def on_epoch_end(self, epoch, logs=None):
        figures = "  ".join(
            f"{name} {float(v):.4g}" for name, v in (logs or {}).items()
        )
        end = "\r\033[K" if self._is_terminal else ""
        print(f"{end}Epoch {epoch + 1}, {self._done()}:  {figures}", flush=True)
