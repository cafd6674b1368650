"""Jobs that the supervisor has announced: those at the engine that wait for their turn.

Filled by the thread that listens to the supervisor, read by the one that draws. Bound: MOST jobs;
a worker holds no more at a time, and those that were cancelled in line are pushed out by others.
"""

import threading
from collections import OrderedDict

from shared.request import GenerationRequest

#: As many as a worker has slots at the most.
MOST = 16


class Upcoming:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: OrderedDict[str, GenerationRequest] = OrderedDict()

    def add(self, job_id: str, request: GenerationRequest) -> None:
        with self._lock:
            self._requests[job_id] = request
            while len(self._requests) > MOST:
                self._requests.popitem(last=False)

    def remove(self, job_id: str) -> None:
        """It has come, or there is nothing left to do for it."""
        with self._lock:
            self._requests.pop(job_id, None)

    def first(self) -> tuple[str, GenerationRequest] | None:
        """The one that was announced first, its id and what it asks for."""
        with self._lock:
            return next(iter(self._requests.items()), None)
