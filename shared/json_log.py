"""One JSON object a log line, with the field names that Cloud Logging reads.

Fields given as `extra={"fields": {…}}` stand beside the message. Nothing here can know a prompt or
a URL; callers never pass one, nor an exception whose text may quote one. Libraries do: of theirs
only warnings and worse are written, since their lesser lines tell requests with all they hold.
"""

import json
import logging
import sys
import traceback
from pathlib import Path
from typing import Any

from shared.errors import WrongSetting

#: The packages whose log calls are ours to answer for.
OUR_ROOMS = ("shared", "trigger", "gpu_worker")


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
    """Send this process's log records to stderr as JSON lines: ours from `level` on."""
    log_lines(JsonFormatter(), level)


def log_lines(form: logging.Formatter, level: int | str = logging.INFO) -> None:
    """`log_json` in another form, for a terminal."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(form)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for room in OUR_ROOMS:
        logging.getLogger(room).setLevel(level)


def facts_of(error: BaseException) -> dict[str, str]:
    """An error's kind and place, for the log; not its text, which may quote what a person wrote.

    Only an operator's own mistake is quoted: he is the one who reads it.
    """
    trace = traceback.extract_tb(error.__traceback__)
    facts = {"error": type(error).__name__, "where": _place(trace[-1]) if trace else "nowhere"}
    return {**facts, "reason": str(error)} if isinstance(error, WrongSetting) else facts


def trace_of(error: BaseException) -> dict[str, Any]:
    """`facts_of`, the calls that led there and the errors behind it; no text of any of them."""
    calls = [f"{_place(it)} {it.name}" for it in traceback.extract_tb(error.__traceback__)]
    facts: dict[str, Any] = {**facts_of(error), "calls": calls}
    behind: list[dict[str, str]] = []
    seen = {id(error)}
    while (cause := error.__cause__ or error.__context__) is not None and id(cause) not in seen:
        seen.add(id(cause))
        behind.append(facts_of(cause))
        error = cause
    return {**facts, "because_of": behind} if behind else facts


def _place(frame: traceback.FrameSummary) -> str:
    return f"{Path(frame.filename).name}:{frame.lineno}"
