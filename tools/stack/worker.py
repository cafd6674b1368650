"""Starts a worker beside the emulators and waits until its health file says that it is ready.

It starts early, because loading torch takes as long as the emulators do; it waits for them itself.
"""

import json
import subprocess
from pathlib import Path

from tools.stack.failure import StackError
from tools.stack.names import REPOSITORY, VIRTUAL_ENVIRONMENT
from tools.stack.waiting import wait_until

#: A worker leaves within 8 s of SIGTERM; it gets a little more.
TERMINATION_GRACE_SECONDS = 10.0


class Worker:
    """One `python -m gpu_worker pull`, or another service of it."""

    def __init__(self, process: "subprocess.Popen[bytes]", health_file: Path, log: Path) -> None:
        self.process = process
        self.health_file = health_file
        self.log = log

    @classmethod
    def start(
        cls,
        environment: dict[str, str],
        health_file: Path,
        log: Path,
        *,
        command: tuple[str, ...] = ("gpu_worker", "pull"),
    ) -> "Worker":
        """`command` is a module and its arguments."""
        python = VIRTUAL_ENVIRONMENT / "bin" / "python"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(python), "-m", *command],
                cwd=REPOSITORY,
                env={**environment, "EMBERFRAME_HEALTH_FILE": str(health_file)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(process, health_file, log)

    def assert_running(self) -> None:
        """Raises StackError if it has ended."""
        if self.process.poll() is not None:
            code = self.process.returncode
            raise StackError(f"The worker stopped while starting, exit code {code}.", self.log)

    def wait_until_ready(self, *, deadline: float) -> None:
        """Raises StackError if it ends, or is not ready at `deadline` (monotonic clock)."""
        if not wait_until(
            lambda: self.state() == "ready", deadline=deadline, check=self.assert_running
        ):
            raise StackError("The worker did not become ready in time.", self.log)

    def state(self) -> str | None:
        """What the health file says: starting, ready or draining; None before it is written."""
        try:
            state: str = json.loads(self.health_file.read_text("utf-8"))["state"]
        except FileNotFoundError:
            return None
        return state
