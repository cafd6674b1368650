"""Worker processes of one project, and the host that starts another when one ends."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import httpx
import psutil

from tests.chaos.project import Project
from tools.stack.names import REPOSITORY
from tools.stack.waiting import wait_until

#: Imports of Google's libraries, and of torch for a real engine, on cores that others use too.
READY_SECONDS = 180.0
#: What a worker may take to leave, DESIGN.md promise 6.
LEAVE_SECONDS = 8.0
#: The shortest that the settings allow.
LEASE_SECONDS = 10.0
#: The default, where an attempt too many would be a fault, or a shorter one lapses by design.
USUAL_LEASE = {"EMBERFRAME_LEASE_SECONDS": "30"}
#: Until the harness gives up waiting for a process that was told to go.
GIVE_UP_SECONDS = 60.0
#: For a process that is stuck to say where.
STACKS_SECONDS = 2.0

TAIL_CHARACTERS = 8000

REAL = "gpu_worker"
LIGHT = "tests.chaos.light_worker"


class WorkerProcess:
    """One process group of its own: a supervisor and, with a real engine, its child."""

    def __init__(self, module: str, env: Mapping[str, str], folder: Path, number: int) -> None:
        self._module = module
        self.log = folder / f"worker-{number}.log"
        self._health = folder / f"worker-{number}.health"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, "pull"],
                cwd=REPOSITORY,
                env={**os.environ, **env, "EMBERFRAME_HEALTH_FILE": str(self._health)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def engine(self) -> psutil.Process:
        """The engine's process. Raises `psutil.NoSuchProcess` when there is none now."""
        children = psutil.Process(self.pid).children()
        if not children:
            raise psutil.NoSuchProcess(self.pid)
        return children[0]

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            with suppress(FileNotFoundError):
                return bool(json.loads(self._health.read_text())["state"] == "ready")
            return False

        deadline = time.monotonic() + READY_SECONDS
        if not wait_until(ready, deadline=deadline, check=self._assert_running):
            raise TimeoutError(f"a worker is not ready after {READY_SECONDS:g} s: {self.tail()}")

    def _assert_running(self) -> None:
        if self.process.poll() is not None:
            raise ChildProcessError(f"a worker ended with {self.process.returncode}: {self.tail()}")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-TAIL_CHARACTERS:]

    def terminate(self) -> float:
        """SIGTERM; seconds until it has left."""
        began = time.monotonic()
        self.process.terminate()
        try:
            self.process.wait(GIVE_UP_SECONDS)
        except subprocess.TimeoutExpired:
            if self._module == LIGHT:
                self.process.send_signal(signal.SIGUSR1)
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(STACKS_SECONDS)
            raise TimeoutError(f"a worker did not leave: {self.tail()}") from None
        return time.monotonic() - began

    def kill_all(self) -> None:
        """The whole session, at the end of a scenario; nothing of it may stay."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(GIVE_UP_SECONDS)


#: Set when the run is broken off: a host that started what was just killed would never be done.
BROKEN_OFF = threading.Event()


class Fleet:
    """A context manager. The host replaces what ends, unarmed, until the fleet is dismissed."""

    def __init__(
        self, project: Project, folder: Path, *, module: str, settings: Mapping[str, str]
    ) -> None:
        self.project = project
        self._folder = folder
        self._module = module
        self._env = {
            **project.env(),
            "EMBERFRAME_LEASE_SECONDS": f"{LEASE_SECONDS:g}",
            "OMP_NUM_THREADS": "1",
            **settings,
        }
        self._lock = threading.Lock()
        self._dismissed = False
        self.workers: list[WorkerProcess] = []
        self.has_dead_streams = False
        self._hosts: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._dismissed = True
        for worker in self.workers:
            worker.kill_all()
        for host in self._hosts:
            host.join(GIVE_UP_SECONDS)

    def start(self, armed: Mapping[str, str] | None = None) -> WorkerProcess:
        """One more worker; returns at once. `armed` is for this process only."""
        with self._lock:
            return self._start(armed or {})

    def _start(self, armed: Mapping[str, str]) -> WorkerProcess:
        worker = WorkerProcess(
            self._module, {**self._env, **armed}, self._folder, len(self.workers)
        )
        self.workers.append(worker)
        host = threading.Thread(target=self._keep, args=(worker,), daemon=True)
        self._hosts.append(host)
        host.start()
        return worker

    def _keep(self, worker: WorkerProcess) -> None:
        worker.process.wait()
        with self._lock:
            if self._dismissed or BROKEN_OFF.is_set():
                return
            # The real Pub/Sub notices that a stream's client has gone; the emulator does not. What
            # makes it notice would hurt the streams of the living, so with them it is left for
            # `Stage.settle`.
            alone = all(it.process.poll() is not None for it in self.workers)
            self.has_dead_streams |= not (alone and self._end_streams())
            self._start({})

    def _end_streams(self) -> bool:
        """False while Pub/Sub does not answer."""
        try:
            self.project.end_streams()
        except httpx.HTTPError:
            return False
        return True

    def living(self) -> list[WorkerProcess]:
        with self._lock:
            return [it for it in self.workers if it.process.poll() is None]

    def recall(self) -> WorkerProcess:
        """After `dismiss`: one worker again."""
        with self._lock:
            self._dismissed, self.has_dead_streams = False, False
            return self._start({})

    def dismiss(self) -> list[float]:
        """SIGTERM to every worker; the seconds each took to leave, in no order."""
        with self._lock:
            self._dismissed = True
        leaving = self.living()
        taken: list[float] = []
        threads = [
            threading.Thread(target=lambda it=it: taken.append(it.terminate())) for it in leaving
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return taken
