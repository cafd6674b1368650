"""One life of the engine process: started, listened to by one thread, watched by another, ended,
never reused.

A socket pair links the two. The process is a fresh interpreter (no fork of a process that runs gRPC
threads), and it ends by itself when this end of the socket closes, for whatever reason. One that
hangs, or does not stop when it is told to, is killed (`engine_watchdog`).
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

import gpu_worker
from gpu_worker.adapters.engine_watchdog import (
    LOOK_SECONDS,
    EngineBounds,
    EngineWatchdog,
    Hung,
    Overdue,
)
from gpu_worker.engine.channel import Channel, ChannelClosed
from gpu_worker.engine.protocol import (
    FROM_ENGINE,
    Alive,
    Cancel,
    Done,
    Failed,
    FilmFrames,
    LoadFailed,
    Prepare,
    Progress,
    Ready,
    Run,
    Shutdown,
    Stopped,
)
from shared.json_log import trace_of

LOG = logging.getLogger(__name__)

FromEngine: TypeAlias = Ready | LoadFailed | Progress | FilmFrames | Done | Failed | Stopped

#: Between the end of the channel and the end of the process; a GPU driver takes a moment to let go.
EXIT_GRACE_SECONDS = 5.0
#: From SIGKILL on: what takes longer ends without us, and meanwhile we may have to leave.
BURIAL_SECONDS = 0.5
#: A film's frames may be held up behind a listener that waits for a program of its own.
HELD_UP_GRACE_SECONDS = 0.5
#: The engine's words belong on the log, not between what a command prints as its result.
STDERR = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a process ended: `how` in words, for the log."""

    how: str
    #: False when it could not be killed, and holds the GPU still.
    gone: bool = True
    #: It was killed because nothing moved in it any more.
    stuck: bool = False


class EngineChild:
    """Call-backs come from the listening thread, `on_end` last and exactly once; except that
    `on_overdue` comes from the watching one, as `on_end` does when the process cannot be killed."""

    def __init__(
        self,
        arguments: list[str],
        *,
        on_message: Callable[[FromEngine, list[bytes]], None],
        on_overdue: Callable[[str], None],
        on_end: Callable[[Ended], None],
        bounds: EngineBounds,
    ) -> None:
        """Returns at once. `arguments` are those of `python -m gpu_worker.engine`.

        `on_overdue` is told the id of the job that has reached its time limit.
        """
        self._on_message = on_message
        self._on_overdue = on_overdue
        self._on_end = on_end
        self._bounds = bounds
        self._watchdog = EngineWatchdog(bounds, now=time.monotonic())
        self._ending = threading.Lock()
        #: `on_end` was called.
        self._over = threading.Event()
        self._hung: Hung | None = None
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "gpu_worker.engine",
                    *("--channel", str(theirs.fileno())),
                    *arguments,
                ],
                stdin=subprocess.DEVNULL,
                stdout=STDERR,
                pass_fds=[theirs.fileno()],
                env=_environment(),
            )
            self._channel: Channel[Alive | FromEngine] = Channel(ours.detach(), FROM_ENGINE)
        self._listener = threading.Thread(
            target=self._listen, name=f"engine {self.pid}", daemon=True
        )
        self._watcher = threading.Thread(
            target=self._watch, name=f"engine {self.pid} watch", daemon=True
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def listen(self) -> None:
        """Begin the call-backs."""
        self._listener.start()
        self._watcher.start()

    def run(
        self, message: Run, frames: Sequence[NDArray[np.uint8]], *, limit_seconds: float | None
    ) -> None:
        """Send a job, which may last `limit_seconds` from now."""
        self._watchdog.begin(message.job_id, limit_seconds, now=time.monotonic())
        self.send(message, frames)

    def cancel(self, job_id: str) -> None:
        """Tell the job to stop. An engine that does not get to it is killed some time later."""
        self._watchdog.told_to_stop(job_id)
        self.send_apart(Cancel(job_id=job_id))

    def send_apart(self, message: Prepare | Cancel | Shutdown) -> None:
        """In a thread of its own, since an engine that hangs may have stopped reading."""
        threading.Thread(target=self.send, args=(message,), daemon=True).start()

    def send(
        self,
        message: Run | Prepare | Cancel | Shutdown,
        frames: Sequence[NDArray[np.uint8]] = (),
    ) -> None:
        """To a process that is gone: nothing happens, `on_end` comes or has come."""
        try:
            self._channel.send(message, frames)
        except ChannelClosed:
            LOG.info("engine %d is gone; %s was not sent", self.pid, message.kind)

    def end(self, grace_seconds: float) -> None:
        """Ask, wait, kill. The process has ended or is about to when this returns."""
        self.send_apart(Shutdown())
        self._listener.join(grace_seconds)
        if self._listener.is_alive():
            LOG.warning("engine %d does not end; it is killed", self.pid)
            self._process.kill()

    def bury(self) -> None:
        """After `end`: wait until the process and its listening thread are gone, BURIAL_SECONDS at
        most, and as long again for a thread that is held up in a call-back."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(BURIAL_SECONDS)
            self._listener.join(HELD_UP_GRACE_SECONDS)

    def _listen(self) -> None:
        try:
            while True:
                self._take(*self._channel.receive())
        except ChannelClosed:
            pass
        except Exception as error:  # noqa: BLE001 (logged without its text, which may quote a job)
            fields = trace_of(error)
            LOG.error(  # noqa: TRY400
                "engine %d said something unheard of (%s); it is killed",
                self.pid,
                fields["error"],
                extra={"fields": fields},
            )
            self._process.kill()
        try:
            code = self._process.wait(EXIT_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._channel.close()
        self._end(describe_exit(code), gone=True)

    def _take(self, message: Alive | FromEngine, frames: list[bytes]) -> None:
        if isinstance(message, Alive):
            self._watchdog.alive(message.passes)
            return
        if isinstance(message, Ready):
            self._watchdog.ready()
        elif isinstance(message, Done | Failed | Stopped):
            self._watchdog.end(message.job_id)
        with self._watchdog.hearing():
            self._on_message(message, frames)

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            match self._watchdog.look(time.monotonic()):
                case Overdue(job_id=job_id):
                    self._on_overdue(job_id)
                case Hung() as hung:
                    LOG.error("engine %d is killed: %s", self.pid, hung.why)
                    self._hung = hung
                    self._process.kill()
                    if not self._over.wait(self._bounds.kill_seconds):
                        self._end("cannot be killed", gone=False)
                    return

    def _end(self, how: str, *, gone: bool) -> None:
        with self._ending:
            if self._over.is_set():
                return
            self._over.set()
        hung = self._hung
        why = "" if hung is None else f": {hung.why}"
        self._on_end(
            Ended(
                how=f"engine process {self.pid} {how}{why}",
                gone=gone,
                stuck=hung is not None and hung.stuck,
            )
        )


def describe_exit(code: int) -> str:
    """`subprocess`'s return code in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _environment() -> dict[str, str]:
    """Ours, and our packages' folder where the fresh interpreter finds it from any directory."""
    root = str(Path(gpu_worker.__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
