"""How many seconds each stage of a job took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from gpu_worker.engine.device import Device, wait_for


class StageTimer:
    """For one job; `seconds` has the stages that are over."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        wait_for(self._device)
        self.add(name, time.perf_counter() - started)

    def add(self, name: str, seconds: float) -> None:
        """More of a stage, of which others may have had a part too."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
