"""Which parts of the supervisor still move: each says so again and again, and one that stops is
missed after STUCK_LOOKS looks. Looks are counted, not seconds: when this whole process stood still
(stopped and continued, or short of a core), nobody could speak."""

import threading

#: At one look a second: far above the calls that a part makes between two beats (20 s at most).
STUCK_LOOKS = 60


class Pulse:
    """Thread-safe. A part is known from its first beat on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looks_since: dict[str, int] = {}

    def beat(self, part: str) -> None:
        with self._lock:
            self._looks_since[part] = 0

    def look(self) -> list[str]:
        """Names of the parts that are stuck; to be called about once a second."""
        with self._lock:
            for part in self._looks_since:
                self._looks_since[part] += 1
            return [part for part, looks in self._looks_since.items() if looks > STUCK_LOOKS]
