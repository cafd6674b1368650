"""A worker's service over fakes, run in a thread: what its tests start, hang and end."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gpu_worker.health import Health, HealthFile
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.pulse import Pulse
from gpu_worker.service import Service

TIMEOUT_SECONDS = 10.0


class Runner:
    def __init__(self) -> None:
        self.drained = threading.Event()
        self.given_back = True

    @property
    def idle(self) -> bool:
        return self.given_back

    def drain(self) -> None:
        self.drained.set()


class Intake:
    """Runs until stopped, or until what `until` waits for."""

    def __init__(self, until: Callable[[], object] = lambda: None) -> None:
        self.running, self.stopped = threading.Event(), threading.Event()
        self._until = until

    def run(self) -> None:
        self.running.set()
        assert self.stopped.wait(TIMEOUT_SECONDS)
        self._until()

    def stop(self) -> None:
        self.stopped.set()


class HeardHealthFile(HealthFile):
    """Wakes whoever waits for what it says."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.said = threading.Condition()

    def write(self, state: Health, **details: Any) -> None:
        super().write(state, **details)
        with self.said:
            self.said.notify_all()


class Parts:
    """One service over fakes, run in a thread."""

    def __init__(
        self, folder: Path, engine: InMemoryEngine | None = None, intake: Intake | None = None
    ) -> None:
        self.engine = engine or InMemoryEngine()
        self.intake = intake or Intake()
        self.runner = Runner()
        self.stopping = threading.Event()
        self.health = folder / "health.json"
        self.health_file = HeardHealthFile(self.health)
        self.pulse = Pulse()
        self.left: list[int] = []
        self.codes: list[int] = []
        self.service = Service(
            self.engine,
            self.runner,
            self.intake,
            self.health_file,
            self.stopping,
            pulse=self.pulse,
            look_seconds=0.02,
            step_seconds=0.05,
            release_seconds=0.05,
            leave=self.left.append,
        )
        self._thread = threading.Thread(
            target=lambda: self.codes.append(self.service.run(start_timeout=TIMEOUT_SECONDS))
        )

    def start(self) -> None:
        self._thread.start()

    def join(self) -> int:
        self._thread.join(TIMEOUT_SECONDS)
        assert not self._thread.is_alive()
        return self.codes[0]

    def wait_for(self, state: str) -> None:
        with self.health_file.said:
            assert self.health_file.said.wait_for(lambda: self.state == state, TIMEOUT_SECONDS)

    @property
    def state(self) -> str:
        try:
            state: str = json.loads(self.health.read_text())["state"]
        except FileNotFoundError:
            return ""
        return state
