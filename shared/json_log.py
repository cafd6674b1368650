"""One JSON object a log line, with the field names that Cloud Logging reads.

Fields given as `extra={"fields": {…}}` stand beside the message. Nothing here can know a prompt or
a URL; callers never pass one.
"""

import json
import logging
import sys
import traceback
from pathlib import Path
from typing import Any


class JsonFormatter(logging.Formatter):
    """`severity`, `message`, `logger`, `time`, the call's fields, and the traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "severity": record.levelname,
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line.update(fields)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def log_json(level: int | str = logging.INFO) -> None:
    """Send all log records of this process to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)


def facts_of(error: BaseException) -> dict[str, str]:
    """An error's kind and place, for the log; not its text, which may quote what a person wrote."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return {"error": type(error).__name__, "where": f"{Path(frame.filename).name}:{frame.lineno}"}
