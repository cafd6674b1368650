"""Runs `firebase emulators:start` in a session of its own and knows from its log when it is ready.

Ready means that it says so *and* that every function was initialised: with a function that failed
to load it says "ready" all the same. Bound: the caller's deadline.
"""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tools.stack.failure import StackError
from tools.stack.names import FIREBASE_CLI, PROJECT, SERVICES
from tools.stack.waiting import wait_until

PRELOAD = Path(__file__).with_name("lazy_auth_schemas.cjs")
READY = "All emulators ready!"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

#: Lines in which firebase-tools says why it gives up, most telling first.
REASONS = (
    re.compile(r"Failed to load function definition from source: (?P<reason>.+)"),
    re.compile(r"(?P<reason>Port \d+ is not open on .+)"),
    re.compile(r"Fatal error occurred:\s*(?P<reason>.+)"),
    re.compile(r"Error: (?P<reason>.+)"),
)


class FirebaseCli:
    """One run of the CLI."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self.log = log

    @classmethod
    def start(
        cls, *, config: Path, folder: Path, environment: dict[str, str], log: Path
    ) -> "FirebaseCli":
        """Starts it in `folder`, where the emulators write their debug logs."""
        node = shutil.which("node")
        if node is None:
            raise StackError("Node.js (20 or later) was not found on PATH.")
        if not FIREBASE_CLI.is_file():
            raise StackError(f"firebase-tools is not installed: {FIREBASE_CLI} is missing.")
        command = [node, "--require", str(PRELOAD), str(FIREBASE_CLI)]
        command += ["emulators:start", "--project", PROJECT]
        # --only also keeps it from looking for extensions, and so for an account.
        command += ["--config", str(config), "--only", ",".join(SERVICES)]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(process, log)

    def assert_running(self) -> None:
        """Raises StackError with the reason if it has ended."""
        if self.process.poll() is not None:
            why = self.reason() or f"exit code {self.process.returncode}"
            raise StackError(f"The emulators stopped while starting: {why}.", self.log)

    def wait_until_ready(self, *, deadline: float, check: Callable[[], None]) -> None:
        """Waits until it says so, or until `check()` raises.

        Raises StackError if it is not ready at `deadline` (monotonic clock).
        """
        if not wait_until(lambda: READY in self.text(), deadline=deadline, check=check):
            why = self.reason() or "they did not say why"
            raise StackError(f"The emulators did not become ready in time: {why}.", self.log)

    def assert_initialised(self, functions: list[str]) -> None:
        """Raises StackError unless each function of `functions` was initialised."""
        text = self.text()
        missing = [
            name
            for name in functions
            if not re.search(rf"functions\[[\w-]*\b{re.escape(name)}\].* initialized", text)
        ]
        if missing:
            why = self.reason() or "firebase-tools did not say why"
            names = ", ".join(missing)
            raise StackError(f"The functions {names} were not initialised: {why}.", self.log)

    def text(self) -> str:
        """What it has said so far, without colours."""
        return COLOUR.sub("", self.log.read_text("utf-8", errors="replace"))

    def reason(self) -> str | None:
        """The reason for a failure that its output names, if any."""
        text = self.text()
        for pattern in REASONS:
            found = pattern.search(text)
            if found:
                return found["reason"].strip().rstrip(".")
        return None
