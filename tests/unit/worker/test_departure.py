"""Signals end a worker: the first asks, a Ctrl-C after it leaves at once, and time runs out."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

import pytest

from gpu_worker.departure import INTERRUPTED, LEAVE_SECONDS, Departure

TIMEOUT_SECONDS = 10.0


@pytest.fixture(autouse=True)
def handlers_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)


def departing(leave_seconds: float = 86_400.0) -> tuple[Departure, "SimpleQueue[int]"]:
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
    capfd: pytest.CaptureFixture[str],
) -> None:
    _, left = departing(leave_seconds=0.05)
    os.kill(os.getpid(), signal.SIGTERM)
    assert left.get(timeout=TIMEOUT_SECONDS) == 1
    line = json.loads(capfd.readouterr().err.splitlines()[-1])
    assert (line["severity"], line["logger"]) == ("CRITICAL", "gpu_worker.departure")
    assert "its leases lapse" in line["message"]
    assert LEAVE_SECONDS < 8


STUCK = """
import logging, os, threading
from gpu_worker.departure import Departure
from shared.json_log import log_json
log_json()
departure = Departure(leave_seconds=0.1)
departure.listen()
threading.Thread(target=threading.Event().wait).start()

def hold(lock):
    print("there", flush=True)
    with lock:
        threading.Event().wait()

def hold_apart(lock):
    held = threading.Event()
    threading.Thread(target=lambda: (lock.acquire(), held.set())).start()
    held.wait()

def fill(pipe):
    os.set_blocking(pipe, False)
    try:
        while True:
            os.write(pipe, bytes(4096))
    except BlockingIOError:
        os.set_blocking(pipe, True)

(its_log,) = logging.getLogger().handlers
"""


@contextmanager
def stuck(ending: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process with the worker's signals and log, which goes on with `ending`."""
    with subprocess.Popen(
        [sys.executable, "-c", STUCK + ending], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    "ending",
    [
        # `Event.set` in a handler would wait for the very thread that it runs in.
        "hold(departure.stopping._cond)",
        "hold(its_log.lock)",
        "fill(2); hold(threading.Lock())",
    ],
    ids=["the event's lock", "the log's lock", "a log that nobody reads"],
)
def test_whatever_is_held_the_process_ends_in_time_after_a_signal(ending: str) -> None:
    with stuck(ending) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_SECONDS) == 1


def test_the_last_words_need_no_lock() -> None:
    with stuck("hold(its_log.lock)") as process:
        process.send_signal(signal.SIGTERM)
        process.wait(TIMEOUT_SECONDS)
        assert process.stderr is not None
        assert b"its leases lapse" in process.stderr.read()


def test_a_held_log_keeps_nobody_who_leaves() -> None:
    with stuck("print(flush=True); hold_apart(its_log.lock); departure.leave(3)") as process:
        assert process.wait(TIMEOUT_SECONDS) == 3


def test_a_held_log_keeps_no_second_ctrl_c_from_being_heard() -> None:
    patient = """
departure._leave_seconds = 86_400
threading.Thread(target=lambda: (departure.stopping.wait(), print("asked", flush=True))).start()
hold(its_log.lock)
"""
    with stuck(patient) as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline() == b"asked\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_SECONDS) == INTERRUPTED


def test_signals_are_heard_while_the_main_thread_waits_for_ever() -> None:
    """One that another thread receives, or that comes just before the wait, does not end it."""
    elsewhere = """
departure._leave_seconds = 86_400
def send():
    print(flush=True)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    departure.stopping.wait()
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
import signal
threading.Thread(target=send).start()
threading.Event().wait()
"""
    with stuck(elsewhere) as process:
        assert process.wait(TIMEOUT_SECONDS) == INTERRUPTED
