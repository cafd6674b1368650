"""The desk at which worker processes report that they pass a crash point, and wait for an answer.

One Unix socket and one thread a visit. Whoever drives a scenario gets the visits from a queue, in
order, and answers each; so a test waits for the point itself, never for a time to be over.
"""

import os
import queue
import signal
import socket
import tempfile
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from shared.crash_points import (
    ARMED_VARIABLE,
    DESK_VARIABLE,
    PASS,
    TEST_VARIABLE,
    TEST_WORDS,
    Action,
    Arming,
    CrashPoint,
)

#: Of one line; it may name a generation, whose id is the client's.
MAX_BYTES = 4000


class NotReached(Exception):
    """No process came to an armed crash point in time: the scenario did not take place."""


@dataclass(frozen=True)
class Visit:
    """A process stands at a crash point until it is answered."""

    point: CrashPoint
    passing: int
    action: Action
    pid: int
    connection: socket.socket
    #: The engine's job, at the points where it says so.
    about: str

    def proceed(self) -> None:
        """Let it do what was armed."""
        self.connection.close()

    def let_pass(self) -> None:
        """Let it go on as if nothing were armed."""
        with self.connection, suppress(OSError):  # it may have been killed meanwhile
            self.connection.sendall(PASS.encode())


class Desk:
    """A context manager; one a deployment."""

    def __init__(self) -> None:
        # Not pytest's folder: a socket's path has at most 108 characters.
        self._folder = tempfile.TemporaryDirectory(prefix="desk-")
        self.path = Path(self._folder.name) / "s"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        self._visits: queue.Queue[Visit] = queue.Queue()
        self._lock = threading.Lock()
        #: None: every visit is held; else only the one after so many more passings of a point.
        self._awaited: tuple[CrashPoint, int] | None = None
        #: Held beside that: each visit of a point by a generation's attempts.
        self._marked: tuple[CrashPoint, str] | None = None
        self._seen: Counter[CrashPoint] = Counter()
        self._thread = threading.Thread(target=self._accept, name="desk", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        while not self._visits.empty():
            self._visits.get().let_pass()
        self._folder.cleanup()

    def env(self, *armings: Arming) -> dict[str, str]:
        """What arms a process, which then reports here."""
        return {
            ARMED_VARIABLE: ",".join(map(str, armings)),
            TEST_VARIABLE: TEST_WORDS,
            DESK_VARIABLE: str(self.path),
        }

    def hold_at(self, point: CrashPoint, passing: int = 1) -> None:
        """From now on let every visit pass, but the `passing`-th one (≥ 1) of `point`, once."""
        with self._lock:
            self._awaited = point, passing

    def hold_none(self) -> None:
        """From now on let every visit pass."""
        self.hold_at(next(iter(CrashPoint)), 0)

    def hold_each(self, point: CrashPoint, generation: str) -> None:
        """From now on hold every visit of `point` by an attempt at `generation`, a path, too."""
        with self._lock:
            self._marked = point, f"{generation}/"

    def count(self, point: CrashPoint) -> int:
        """How often anybody came to `point`."""
        with self._lock:
            return self._seen[point]

    def next_visit(self, timeout_seconds: float) -> Visit:
        """Block until a process comes. Raises `NotReached`."""
        try:
            return self._visits.get(timeout=timeout_seconds)
        except queue.Empty:
            raise NotReached(f"no crash point was reached in {timeout_seconds:g} s") from None

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection.makefile("rb") as lines:
                words = lines.readline(MAX_BYTES).decode().rstrip("\n").split(" ", 4)
            point, passing, action, pid, about = words
            visit = Visit(
                CrashPoint(point), int(passing), Action(action), int(pid), connection, about
            )
            if self._is_awaited(visit):
                self._visits.put(visit)
            else:
                visit.let_pass()

    def _is_awaited(self, visit: Visit) -> bool:
        with self._lock:
            self._seen[visit.point] += 1
            if self._marked is not None:
                marked, start = self._marked
                if visit.point is marked and visit.about.startswith(start):
                    return True
            if self._awaited is None:
                return True
            point, left = self._awaited
            if visit.point is not point:
                return False
            self._awaited = point, left - 1
            return left == 1


def is_stopped(pid: int) -> bool:
    """Whether the process stands still after SIGSTOP."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return stat[0] == "T"


def resume(pid: int) -> None:
    os.kill(pid, signal.SIGCONT)
