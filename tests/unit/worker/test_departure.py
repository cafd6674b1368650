"""Signals end a worker: the first asks, a Ctrl-C after it leaves at once, and time runs out."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from gpu_worker.departure import INTERRUPTED, LEAVE_SECONDS, Departure

TIMEOUT_SECONDS = 10.0


@pytest.fixture(autouse=True)
def handlers_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def departing(leave_seconds: float = 60.0) -> tuple[Departure, "SimpleQueue[int]"]:
    left: SimpleQueue[int] = SimpleQueue()
    departure = Departure(leave_seconds=leave_seconds, leave=left.put)
    departure.listen()
    return departure, left


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_asks(number: signal.Signals) -> None:
    departure, left = departing()
    os.kill(os.getpid(), number)
    assert departure.stopping.wait(TIMEOUT_SECONDS)
    assert left.empty()


def test_a_second_ctrl_c_leaves_at_once() -> None:
    departure, left = departing()
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
        os.kill(os.getpid(), number)
    assert left.get(timeout=TIMEOUT_SECONDS) == INTERRUPTED
    assert departure.stopping.is_set()


def test_a_worker_that_hangs_while_it_leaves_is_gone_in_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    _, left = departing(leave_seconds=0.05)
    os.kill(os.getpid(), signal.SIGTERM)
    assert left.get(timeout=TIMEOUT_SECONDS) == 1
    assert "its leases lapse" in caplog.text
    assert LEAVE_SECONDS < 8


STUCK = """
import threading
from gpu_worker.departure import Departure
departure = Departure(leave_seconds=0.1)
departure.listen()
threading.Thread(target=threading.Event().wait).start()
print("there", flush=True)
with departure.stopping._cond:
    threading.Event().wait()
"""


def test_a_signal_that_meets_the_event_s_own_lock_ends_the_process_all_the_same() -> None:
    """`Event.set` in a handler would wait for the very thread that it runs in."""
    with subprocess.Popen([sys.executable, "-c", STUCK], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(TIMEOUT_SECONDS) == 1
        finally:
            process.kill()
