"""How many generations this worker has completed, and how fast: what it tells operators and the
queue's estimates of. Thread-safe.

One counts once its document says `completed`; what is made and not written, or cancelled meanwhile,
does not, and neither does a write whose answer never came.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from shared.kinds import Kind

#: Of the newest job in the moving mean: the last ten say most of it.
NEWEST_SHARE = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    jobs: Mapping[Kind, int]
    #: Of the engine, a job; only of kinds that there were any of.
    seconds: Mapping[Kind, float]


class Tally:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: Counter[Kind] = Counter()
        self._seconds: dict[Kind, float] = {}

    def add(self, kind: Kind, engine_seconds: float) -> None:
        """One more is completed, which took the engine so long (≥ 0)."""
        with self._lock:
            self._jobs[kind] += 1
            before = self._seconds.get(kind, engine_seconds)
            self._seconds[kind] = before + NEWEST_SHARE * (engine_seconds - before)

    def done(self) -> Done:
        """Since the start."""
        with self._lock:
            return Done(jobs=dict(self._jobs), seconds=dict(self._seconds))
