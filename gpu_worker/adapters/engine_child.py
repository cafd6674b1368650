"""One life of the engine process: started, listened to by one thread, ended, never reused.

A socket pair links the two. The process is a fresh interpreter (no fork of a process that runs gRPC
threads), and it ends by itself when this end of the socket closes, for whatever reason.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

import gpu_worker
from gpu_worker.engine.channel import Channel, ChannelClosed
from gpu_worker.engine.protocol import (
    FROM_ENGINE,
    Cancel,
    Done,
    Failed,
    FilmFrames,
    LoadFailed,
    Progress,
    Ready,
    Run,
    Shutdown,
    Stopped,
)

LOG = logging.getLogger(__name__)

FromEngine: TypeAlias = Ready | LoadFailed | Progress | FilmFrames | Done | Failed | Stopped

#: Between the end of the channel and the end of the process; a GPU driver takes a moment to let go.
EXIT_GRACE_SECONDS = 5.0
#: A film's frames may be held up behind a listener that waits for a program of its own.
HELD_UP_GRACE_SECONDS = 0.5
#: The engine's words belong on the log, not between what a command prints as its result.
STDERR = 2


class EngineChild:
    """Both call-backs come from the listening thread, `on_end` last and exactly once."""

    def __init__(
        self,
        arguments: list[str],
        *,
        on_message: Callable[[FromEngine, list[bytes]], None],
        on_end: Callable[[str], None],
    ) -> None:
        """Returns at once. `arguments` are those of `python -m gpu_worker.engine`."""
        self._on_message = on_message
        self._on_end = on_end
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
            self._channel: Channel[FromEngine] = Channel(ours.detach(), FROM_ENGINE)
        self._listener = threading.Thread(
            target=self._listen, name=f"engine {self.pid}", daemon=True
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def listen(self) -> None:
        """Begin the call-backs."""
        self._listener.start()

    def send(
        self, message: Run | Cancel | Shutdown, frames: Sequence[NDArray[np.uint8]] = ()
    ) -> None:
        """To a process that is gone: nothing happens, `on_end` comes or has come."""
        try:
            self._channel.send(message, frames)
        except ChannelClosed:
            LOG.info("engine %d is gone; %s was not sent", self.pid, message.kind)

    def end(self, grace_seconds: float) -> None:
        """Ask, wait, kill. The process and its listening thread are gone when this returns.

        Except that a thread that is held up in a call-back goes once that returns.
        """
        asking = threading.Thread(target=self.send, args=(Shutdown(),), daemon=True)
        asking.start()  # apart, since a hanging engine may have stopped reading
        self._listener.join(grace_seconds)
        if self._listener.is_alive():
            LOG.warning("engine %d does not end; it is killed", self.pid)
            self._process.kill()
            self._process.wait()
            self._listener.join(HELD_UP_GRACE_SECONDS)

    def _listen(self) -> None:
        try:
            while True:
                self._on_message(*self._channel.receive())
        except ChannelClosed:
            pass
        except Exception:
            LOG.exception("engine %d said something unheard of; it is killed", self.pid)
            self._process.kill()
        try:
            code = self._process.wait(EXIT_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._channel.close()
        self._on_end(f"engine process {self.pid} {describe_exit(code)}")


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
