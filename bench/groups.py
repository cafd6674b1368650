"""A process and all that it starts, as a process group that ends with a `with` block.

Servers start children of their own, and leave them behind when they are told to go. Bound: the
seconds of grace, then SIGKILL for whoever of the group is left.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tools.stack.names import REPOSITORY

GRACE_SECONDS = 20.0


@contextmanager
def running_group(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    stdout: int | IO[bytes],
    stderr: int | IO[bytes] | None = None,
    grace_seconds: float = GRACE_SECONDS,
) -> Iterator["subprocess.Popen[bytes]"]:
    """`command` in the repository, its environment this process's and `env`. Being in a session of
    its own it hears of no Ctrl-C but by the end of the block."""
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            _end(process, grace_seconds)


def _end(process: "subprocess.Popen[bytes]", grace_seconds: float) -> None:
    try:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace_seconds)
    finally:
        # Also where somebody who is in a hurry breaks the waiting off.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
