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
        self.seconds[name] = time.perf_counter() - started
