"""Starts the app's server beside a stack and waits until it has said where it listens."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tools.stack.failure import StackError
from tools.stack.names import REPOSITORY, VIRTUAL_ENVIRONMENT
from tools.stack.waiting import wait_until


class WebServer:
    """One `python -m tools.web.server`."""

    def __init__(self, process: "subprocess.Popen[bytes]", address_file: Path, log: Path) -> None:
        self.process = process
        self._address_file = address_file
        self._log = log

    @classmethod
    def start(
        cls,
        *,
        project: str,
        bucket: str,
        emulators: Mapping[str, str],
        environment: dict[str, str],
        address_file: Path,
        log: Path,
    ) -> "WebServer":
        """`emulators`: host:port by name, at least of auth, firestore and storage."""
        configuration = {
            "projectId": project,
            "storageBucket": bucket,
            "apiKey": "any key will do on the emulators",
            "emulators": {name: emulators[name] for name in ("auth", "firestore", "storage")},
        }
        python = VIRTUAL_ENVIRONMENT / "bin" / "python"
        address_file.unlink(missing_ok=True)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    *(str(python), "-m", "tools.web.server"),
                    *(json.dumps(configuration), str(address_file)),
                ],
                cwd=REPOSITORY,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(process, address_file, log)

    def wait_until_ready(self, *, deadline: float) -> str:
        """The host:port of the app. Raises StackError if there is none at `deadline`."""
        if not wait_until(
            self._address_file.is_file, deadline=deadline, check=self._assert_running
        ):
            raise StackError("The web app's server did not become ready in time.", self._log)
        return self._address_file.read_text("utf-8")

    def _assert_running(self) -> None:
        code = self.process.poll()
        if code is not None:
            raise StackError(f"The web app's server stopped, exit code {code}.", self._log)
