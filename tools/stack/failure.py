"""The one error that the local stack raises on purpose: a plain sentence and where to read more."""

from pathlib import Path


class StackError(Exception):
    """The stack could not be started or stopped.

    `str(error)` is one plain sentence, followed by the log's path where there is a log.
    """

    def __init__(self, sentence: str, log: Path | None = None) -> None:
        super().__init__(sentence if log is None else f"{sentence} The log is {log}")
        self.log = log
