"""Logs as one JSON object per line."""

import datetime
import json
import logging
import time
import traceback

PERIOD = 10.0  # seconds
# maximum number of lines per period: for each status of requests, for other events
MAX_REQUESTS = 1000
MAX_OTHERS = 20


class JsonFormatter(logging.Formatter):
    """Writes a record's message and its `details` as JSON.

    For an exception, the class and the locations in the code are written. The message
    may quote a user's text, so it is written only if `show_text` is true.

    Args:
        show_text: Whether messages of exceptions are written.
    """

    def __init__(self, show_text: bool = False):
        super().__init__()
        self.show_text = show_text

    def format(self, record: logging.LogRecord) -> str:
        """Formats one line."""
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **getattr(record, "details", {"event": record.getMessage()}),
        }
        if record.exc_info:
            kind, error, frames = record.exc_info
            line["exception"] = kind.__name__
            line["places"] = [
                f"{frame.filename}:{frame.lineno}"
                for frame in traceback.extract_tb(frames)
            ]
            if self.show_text:
                line["message"] = str(error)
        if getattr(record, "suppressed", 0):
            line["suppressed"] = record.suppressed  # pyright: ignore[reportAttributeAccessIssue]
        return json.dumps(line, ensure_ascii=False, default=str)


class RateLimit(logging.Filter):
    """Limits the number of lines of each kind.

    The kind is the event and the status, or the logger of a library's record. The first
    line of a kind after suppressed ones has their number as `suppressed`.

    Args:
        clock: Function that returns the time in seconds.
    """

    def __init__(self, clock=time.monotonic):
        super().__init__()
        self._clock = clock
        self._started = clock()
        self._counts: dict[tuple, int] = {}
        self._suppressed: dict[tuple, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if self._clock() - self._started >= PERIOD:
            self._started = self._clock()
            self._counts.clear()
        details = getattr(record, "details", {})
        event, status = details.get("event"), details.get("status")
        kind = record.name, record.levelno, event, status
        self._counts[kind] = self._counts.get(kind, 0) + 1
        if self._counts[kind] > (MAX_REQUESTS if event == "request" else MAX_OTHERS):
            self._suppressed[kind] = self._suppressed.get(kind, 0) + 1
            return False
        record.suppressed = self._suppressed.pop(kind, 0)
        return True


def _is_of_use(record: logging.LogRecord) -> bool:
    """Drops TensorFlow's warning that gradients of a model cannot be computed."""
    return "unsaved custom gradients" not in str(record.msg)


def set_up_logs(show_text: bool) -> None:
    """Sends all logs of the process to standard error as JSON, at a bounded rate."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(show_text))
    handler.addFilter(_is_of_use)
    handler.addFilter(RateLimit())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    logging.getLogger("tf_transformer").setLevel(logging.INFO)
    for name in ("tensorflow", "absl"):  # they have their own handlers
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
