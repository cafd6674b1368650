"""Nothing that a benchmark starts outlives it, however it ends, SIGKILL included.

Whatever is started inherits a token in its environment. Beside the benchmark stands a process that
waits for a pipe from it to close, as the kernel does when the benchmark ends, and then kills all
that carry the token, whatever session they have moved to. Bound: KILL_TIMEOUT_SECONDS.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from tools.stack.names import REPOSITORY
from tools.stack.processes import KILL_TIMEOUT_SECONDS, kill_marked

#: No name of which `running_endpoint` cleans its workers' environment.
VARIABLE = "BENCH_TOKEN"


@contextmanager
def guarded() -> Iterator[dict[str, str]]:
    """What the environment of all that is started within has to hold; at the end they are gone."""
    token = secrets.token_hex(16)
    guard = subprocess.Popen(
        [sys.executable, "-m", "bench.guard", token],
        cwd=REPOSITORY,
        env={name: it for name, it in os.environ.items() if name != VARIABLE},
        stdin=subprocess.PIPE,
        # Whoever ends the benchmark by its group must not end this.
        start_new_session=True,
    )
    try:
        yield {VARIABLE: token}
    finally:
        assert guard.stdin is not None
        guard.stdin.close()
        guard.wait(2 * KILL_TIMEOUT_SECONDS)


@contextmanager
def guarded_here() -> Iterator[None]:
    """The same for what this process starts by itself; whoever has a guard already needs none."""
    if VARIABLE in os.environ:
        yield
        return
    with guarded() as variables, patch.dict(os.environ, variables):
        yield


def main(token: str) -> None:
    sys.stdin.buffer.read()
    # Whose dead child it is waits for this guard, and takes it out of the process table after it.
    kill_marked(token, variable=VARIABLE, reaping_seconds=0)


if __name__ == "__main__":
    main(sys.argv[1])
