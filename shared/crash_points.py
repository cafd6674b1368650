"""Named points at which a test may end or stop this process; without a test they do nothing.

Two switches must be set before the process starts, so that production cannot be hurt by one slip:
ARMED_VARIABLE says what happens where, TEST_VARIABLE holds the very words TEST_WORDS. An armed
point first tells the desk, a Unix socket that the test listens on, and waits for its answer: the
test knows that the point was reached, and need not guess how long to sleep.
"""

import os
import re
import signal
import socket
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

#: `point:passing:action`, several with commas between; a passing is a number from 1, or `*`.
ARMED_VARIABLE = "EMBERFRAME_CRASH_POINTS"
TEST_VARIABLE = "EMBERFRAME_CRASH_POINTS_ARE_MEANT"
TEST_WORDS = "this process may die, it is a test"
#: Path of the desk's socket.
DESK_VARIABLE = "EMBERFRAME_CRASH_DESK"
#: The desk's answer for: do not do it this time.
PASS = "pass"  # noqa: S105 (a word of the protocol)
#: Of a process that ended by `Action.EXIT`.
EXIT_CODE = 86
#: Longer than a lease of 30 s.
GIL_SECONDS = 35
ANSWER_BYTES = 64
_PASSING = re.compile(r"[1-9][0-9]{0,8}|\*")


class CrashPoint(StrEnum):
    #: The supervisor, in the order of one generation.
    RECEIVED = "received"
    CLAIMED = "claimed"
    ENGINE_START = "engine-start"
    STEP = "step"
    #: Passed once a file.
    UPLOADED = "uploaded"
    FINISHING = "finishing"
    ACKNOWLEDGING = "acknowledging"
    #: The engine process.
    IN_ENGINE_LOADING = "in-engine-loading"
    IN_ENGINE_JOB = "in-engine-job"
    IN_ENGINE_STEP = "in-engine-step"
    IN_ENGINE_ANSWER = "in-engine-answer"


class Action(StrEnum):
    SIGKILL = "SIGKILL"
    SIGTERM = "SIGTERM"
    #: Whoever listens at the desk continues the process.
    SIGSTOP = "SIGSTOP"
    #: `os._exit`: no handler and no `finally` runs.
    EXIT = "exit"
    #: Nothing but the wait for the desk's answer, in the thread that passes.
    HOLD = "hold"
    #: No thread of the process runs Python for GIL_SECONDS, as when a library does not let go.
    HOLD_GIL = "hold-gil"


@dataclass(frozen=True, kw_only=True, slots=True)
class Arming:
    """What happens at one point. `passing` ≥ 1, or None: each time."""

    point: CrashPoint
    passing: int | None
    action: Action

    def __str__(self) -> str:
        return f"{self.point}:{self.passing or '*'}:{self.action}"

    @classmethod
    def parse(cls, text: str) -> "Arming":
        """Raises `ValueError` for anything but `point:passing:action`."""
        point, _, rest = text.partition(":")
        passing, _, action = rest.partition(":")
        if (
            point not in list(CrashPoint)
            or action not in list(Action)
            or not _PASSING.fullmatch(passing)
        ):
            raise ValueError(
                f"{ARMED_VARIABLE} has {text!r}; it must be point:passing:action, with a point of "
                f"{', '.join(CrashPoint)}; a number from 1 or *; and one of {', '.join(Action)}"
            )
        return cls(
            point=CrashPoint(point),
            passing=None if passing == "*" else int(passing),
            action=Action(action),
        )


class CrashPoints:
    """Armed once, from an environment. Thread-safe."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        meant = environment.get(TEST_VARIABLE) == TEST_WORDS
        armed = environment.get(ARMED_VARIABLE, "") if meant else ""
        self._armed = [Arming.parse(each) for each in armed.split(",") if each]
        self._desk = environment.get(DESK_VARIABLE)
        self._lock = threading.Lock()
        self._passed: Counter[CrashPoint] = Counter()

    def passing(self, point: CrashPoint, about: str = "") -> None:
        """`about`: whose turn it is, in one line, for a desk that means only some."""
        if not self._armed:
            return
        with self._lock:
            self._passed[point] += 1
            number = self._passed[point]
        for arming in self._armed:
            if arming.point is point and arming.passing in (None, number):
                self._act(arming, number, about)

    def _act(self, arming: Arming, number: int, about: str) -> None:
        if self._told(arming, number, about) == PASS:
            return
        if arming.action is Action.EXIT:
            _exit()
        if arming.action is Action.HOLD_GIL:
            _hold_gil()
        elif arming.action is not Action.HOLD:
            # To this thread and not to the process: another thread would take it, and this one go
            # on for a moment, as far as the call that the point stands before.
            signal.pthread_kill(threading.get_ident(), signal.Signals[arming.action])

    def _told(self, arming: Arming, number: int, about: str) -> str:
        """The desk's answer; nothing when there is no desk, or nobody at it any more."""
        if self._desk is None:
            return ""
        try:
            with socket.socket(socket.AF_UNIX) as desk:
                desk.connect(self._desk)
                line = f"{arming.point} {number} {arming.action} {os.getpid()} {about}\n"
                desk.sendall(line.encode())
                return desk.recv(ANSWER_BYTES).decode().strip()
        except OSError:
            return ""


def _exit() -> NoReturn:
    os._exit(EXIT_CODE)


def _hold_gil() -> None:
    # Not at the top: no worker pays for what only a test needs.
    import ctypes  # noqa: PLC0415

    ctypes.PyDLL(None).sleep(GIL_SECONDS)  # PyDLL keeps the GIL, as CDLL does not


_POINTS = CrashPoints(os.environ)
#: Says that this thread passes a point.
crash_point = _POINTS.passing
