"""Finds and ends the processes of one stack and no others.

A process is named by its pid together with its start time, so that a recycled pid is never touched.
Processes that left their parent (the emulators' JVMs start sessions of their own, functions outlive
the CLI) are found by the stack's token in their environment. Bound: KILL_TIMEOUT_SECONDS.
"""

import signal
import time
from dataclasses import dataclass

import psutil

from tools.stack.failure import StackError
from tools.stack.names import TOKEN_VARIABLE

#: A killed process is gone at once unless the kernel is busy with its memory.
KILL_TIMEOUT_SECONDS = 10.0

#: How long to wait for dead processes to leave the process table, so that `ps` shows nothing.
REAPING_SECONDS = 5.0

#: Start times are read back from the same kernel counter; this only forgives JSON rounding.
START_TIME_TOLERANCE_SECONDS = 0.05


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that cannot be mistaken for a later one with the same pid."""

    pid: int
    #: Seconds since the epoch, as the kernel reports them.
    started: float

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity":
        """The identity of a running process; raises psutil.NoSuchProcess."""
        return cls(pid=pid, started=psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """The process if it still runs (a zombie does not)."""
        try:
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.started) < START_TIME_TOLERANCE_SECONDS
            is_alive = process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if is_same and is_alive else None


def marked_with(token: str, variable: str = TOKEN_VARIABLE) -> list[psutil.Process]:
    """Every live process that carries `token` in its environment, as `variable`."""
    found = []
    for process in psutil.process_iter():
        try:
            is_ours = process.environ().get(variable) == token
            if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def ask_to_end(identity: ProcessIdentity, *, grace_seconds: float) -> bool:
    """Sends SIGTERM and waits; True if the process is gone within `grace_seconds`."""
    process = identity.find()
    if process is None:
        return True
    _signal(process, signal.SIGTERM)
    _, alive = psutil.wait_procs([process], timeout=grace_seconds)
    return not alive


def kill_marked(
    token: str,
    *,
    variable: str = TOKEN_VARIABLE,
    last: ProcessIdentity | None = None,
    reaping_seconds: float = REAPING_SECONDS,
) -> set[int]:
    """Kills every process that carries `token` as `variable`, until none is left; returns their
    pids.

    `last` is killed after the others: a parent that still runs takes its dead children out of the
    process table at once, where init may need seconds. Repeats because a process may start another
    between two looks. What is dead is waited for, so that `ps` shows nothing of it, for
    `reaping_seconds`. Raises StackError if one stays.
    """
    deadline = time.monotonic() + KILL_TIMEOUT_SECONDS
    ended: set[int] = set()
    while remaining := marked_with(token, variable):
        if time.monotonic() > deadline:
            pids = ", ".join(str(process.pid) for process in remaining)
            raise StackError(
                f"Processes {pids} were still there {KILL_TIMEOUT_SECONDS:g} s after being killed."
            )
        others = [process for process in remaining if last is None or process.pid != last.pid]
        victims = others or remaining
        for process in victims:
            _signal(process, signal.SIGKILL)
        psutil.wait_procs(victims, timeout=reaping_seconds)
        ended.update(process.pid for process in victims)
    return ended


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
