"""Logs as one JSON object per line."""

import datetime
import json
import logging
import traceback


class JsonFormatter(logging.Formatter):
    """Writes a record's message and its `details` as JSON.

    Of an exception it tells the kind and the places in the code. The message may quote
    a user, so it is told only if `show_text` says so.

    Args:
        show_text: Whether messages of exceptions are written.
    """

    def __init__(self, show_text: bool = False):
        super().__init__()
        self.show_text = show_text

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        told = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **getattr(record, "details", {"event": record.getMessage()}),
        }
        if record.exc_info:
            kind, error, frames = record.exc_info
            told["exception"] = kind.__name__
            told["places"] = [
                f"{frame.filename}:{frame.lineno}"
                for frame in traceback.extract_tb(frames)
            ]
            if self.show_text:
                told["message"] = str(error)
        return json.dumps(told, ensure_ascii=False, default=str)


def set_up_logs(show_text: bool) -> None:
    """Sends the logs of the service and of its server to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(show_text))
    for name, level in (("tf_transformer", "INFO"), ("uvicorn", "WARNING")):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False
