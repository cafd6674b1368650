"""Firestore, Pub/Sub and an object store as processes of their own, which can be paused.

Not the whole local stack: firebase-tools ends all of it when one emulator ends, and takes longer to
start. The object store is fake-gcs-server, which knows preconditions, as the Storage emulator does
not. Bound: START_SECONDS.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import httpx

from tests.contract.gcs_server import running_gcs_server
from tools.stack.binaries import emulator_binaries
from tools.stack.failure import StackError
from tools.stack.java import quick_runtime
from tools.stack.names import HOST
from tools.stack.ports import reserved_ports
from tools.stack.waiting import wait_until

#: A JVM on two cores that a dozen workers start on as well.
START_SECONDS = 120.0
STOP_SECONDS = 10.0
#: Where firebase-tools keeps what it downloaded, for machines without the SDK.
DOWNLOADED = Path.home() / ".cache/firebase/emulators"


class Emulator:
    """One emulator process on a fixed address; what it stores is lost with it."""

    def __init__(self, name: str, command: list[str], address: str, log: Path) -> None:
        self.name = name
        self.address = address
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns at once."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "JAVA_HOME": str(quick_runtime().home)},
                start_new_session=True,
            )

    def wait_until_up(self) -> None:
        """Raises `StackError` if it does not answer within START_SECONDS."""

        def answers() -> bool:
            with suppress(httpx.TransportError):
                httpx.get(f"http://{self.address}/", timeout=2.0, trust_env=False)
                return True
            return False

        deadline = time.monotonic() + START_SECONDS
        if not wait_until(answers, deadline=deadline, check=self._assert_running):
            raise StackError(f"The {self.name} emulator did not start in time.", self._log)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It stands still: connections stay, nothing is answered."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """As after a crash: at the same address, empty."""
        self.stop()
        self.start()
        self.wait_until_up()

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(STOP_SECONDS)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _assert_running(self) -> None:
        if self._process is None or self._process.poll() is not None:
            raise StackError(f"The {self.name} emulator stopped while starting.", self._log)


_environment = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """What stands in for Google."""

    firestore: Emulator
    pubsub: Emulator
    #: `http://host:port` of the object store.
    storage: str

    def env(self) -> dict[str, str]:
        """By these Google's clients know emulators, at the moment of their making."""
        return {
            "FIRESTORE_EMULATOR_HOST": self.firestore.address,
            "PUBSUB_EMULATOR_HOST": self.pubsub.address,
            "STORAGE_EMULATOR_HOST": self.storage,
        }

    @contextmanager
    def around(self) -> Iterator[None]:
        """While inside, this process's new clients use it. One thread at a time."""
        with _environment, patch.dict(os.environ, self.env()):
            yield


@contextmanager
def running_cloud(folder: Path) -> Iterator[Cloud]:
    """All three, for the length of a `with` block; their logs lie in `folder`."""
    with ExitStack() as stack:
        with reserved_ports() as ports:
            emulators = {
                name: Emulator(name, command, f"{HOST}:{ports[name]}", folder / f"{name}.log")
                for name, command in _commands(ports).items()
            }
            for emulator in emulators.values():
                emulator.start()
                stack.callback(emulator.stop)
            storage = stack.enter_context(running_gcs_server())
            for emulator in emulators.values():
                emulator.wait_until_up()
        yield Cloud(**emulators, storage=storage)


def _commands(ports: dict[str, int]) -> dict[str, list[str]]:
    """How to start Firestore and Pub/Sub, whether they are the SDK's or downloaded ones."""
    runtime = quick_runtime()
    variables = emulator_binaries(runtime).variables
    jar = variables.get("FIRESTORE_EMULATOR_BINARY_PATH") or _downloaded("cloud-firestore-*.jar")
    script = variables.get("PUBSUB_EMULATOR_BINARY_PATH") or _downloaded(
        "pubsub-emulator-*/pubsub-emulator/bin/cloud-pubsub-emulator"
    )
    return {
        "firestore": [
            str(runtime.java),
            "-jar",
            jar,
            "--host",
            HOST,
            "--port",
            str(ports["firestore"]),
        ],
        "pubsub": [script, f"--host={HOST}", f"--port={ports['pubsub']}"],
    }


def _downloaded(pattern: str) -> str:
    found = sorted(DOWNLOADED.glob(pattern))
    if not found:
        raise StackError(
            f"There is no {pattern} in {DOWNLOADED}; `make up` has firebase-tools download it once."
        )
    return str(found[-1])
