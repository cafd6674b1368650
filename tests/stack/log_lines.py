"""A process's log, line by line as it is written."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def log_lines(log: Path) -> Iterator[Iterator[str]]:
    """Its lines from the first, there already or yet to come; without an end."""
    with subprocess.Popen(
        ["tail", "-n", "+1", "-F", str(log)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as tail:
        assert tail.stdout is not None
        try:
            yield tail.stdout
        finally:
            tail.kill()
