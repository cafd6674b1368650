"""Calls the stack's scheduled function every minute: `python -m tools.stack.schedule URL`.

The Functions emulator loads scheduled functions and never runs them by itself; it does run one that
is called by HTTP, under its name with `-0` behind it. Ends with the stack, by its token.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tools.stack.names import PROJECT, REGION, REPOSITORY, VIRTUAL_ENVIRONMENT

#: The function that `make up` runs on its schedule.
SWEEP = "sweep"
EVERY_SECONDS = 60.0
#: The function's own time limit, and the start of its process.
CALL_TIMEOUT_SECONDS = 150.0


def scheduled_url(functions: str, name: str) -> str:
    """Where the Functions emulator at `functions` (host:port) runs the function `name`."""
    return f"http://{functions}/{PROJECT}/{REGION}/{name}-0"


def start_schedule(url: str, environment: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
    """Starts a process that calls `url` every EVERY_SECONDS and writes to `log` what went wrong."""
    python = VIRTUAL_ENVIRONMENT / "bin" / "python"
    with log.open("wb") as output:
        return subprocess.Popen(
            [str(python), "-m", "tools.stack.schedule", url],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def call_every_minute(
    url: str, *, wait: Callable[[float], None], say: Callable[[str], None]
) -> None:
    """Until `wait(seconds)` raises. A call that fails is told of, and the next one made in time."""
    with httpx.Client(timeout=CALL_TIMEOUT_SECONDS, trust_env=False) as client:
        while True:
            wait(EVERY_SECONDS)
            try:
                client.post(url).raise_for_status()
            except httpx.HTTPError as error:
                say(f"{url} failed: {error}")


def main() -> None:
    (url,) = sys.argv[1:]
    call_every_minute(url, wait=time.sleep, say=lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
