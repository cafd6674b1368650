"""Has the stack's scheduled function called every minute, by a process of its own.

The Functions emulator loads scheduled functions and never runs them by itself; it does run one that
is called by HTTP, under its name with `-0` behind it. Ends with the stack, by its token.
"""

import subprocess
from pathlib import Path

from tools.stack.names import PROJECT, REGION, REPOSITORY, VIRTUAL_ENVIRONMENT

#: The function that `make up` runs on its schedule.
SWEEP = "sweep"
EVERY_SECONDS = 60.0


def scheduled_url(functions: str, name: str) -> str:
    """Where the Functions emulator at `functions` (host:port) runs the function `name`."""
    return f"http://{functions}/{PROJECT}/{REGION}/{name}-0"


def start_schedule(
    url: str, environment: dict[str, str], log: Path, *, every_seconds: float = EVERY_SECONDS
) -> "subprocess.Popen[bytes]":
    """Starts a process that calls `url` again and again, and writes to `log` which calls failed."""
    python = VIRTUAL_ENVIRONMENT / "bin" / "python"
    with log.open("wb") as output:
        return subprocess.Popen(
            [str(python), "-m", "tools.stack.repeat", url, str(every_seconds)],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
