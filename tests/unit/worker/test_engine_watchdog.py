"""What is judged of an engine from its signs of life and of progress, second by second."""

from collections.abc import Callable
from functools import partial

import pytest

from gpu_worker.adapters.engine_watchdog import (
    LOOK_SECONDS,
    EngineBounds,
    EngineWatchdog,
    Hung,
    Overdue,
)

BOUNDS = EngineBounds()
JOB = "job-1"


class Time:
    """A watchdog that is asked twice a second, and an engine that does `signs` each time."""

    def __init__(self, *, ready: bool = True) -> None:
        self.now = 1000.0
        self.passes = 7
        self.watchdog = EngineWatchdog(BOUNDS, now=self.now)
        if ready:
            self.watchdog.ready()

    def begin(self, limit_seconds: float | None = None) -> None:
        self.watchdog.begin(JOB, limit_seconds, now=self.now)

    def until_verdict(
        self, seconds: float, signs: Callable[[], None] = lambda: None
    ) -> tuple[Overdue | Hung | None, float]:
        """The first verdict within `seconds`, and after how many of them it came."""
        start = self.now
        while self.now < start + seconds:
            signs()
            self.now += LOOK_SECONDS
            verdict = self.watchdog.look(self.now)
            if verdict is not None:
                return verdict, self.now - start
        return None, self.now - start

    def work(self) -> None:
        """Signs of life and of progress."""
        self.passes += 1
        self.watchdog.alive(self.passes)

    def live(self) -> None:
        """Signs of life, and none of progress."""
        self.watchdog.alive(self.passes)


def test_an_engine_without_a_sign_of_life_is_hung_at_work_and_idle() -> None:
    for working in (True, False):
        time = Time()
        if working:
            time.begin()
        verdict, seconds = time.until_verdict(120)
        assert isinstance(verdict, Hung)
        assert verdict.why == "it gave no sign of life for 60 s"
        assert seconds <= BOUNDS.silent_seconds + 2 * LOOK_SECONDS


def test_a_gil_held_for_35_seconds_is_not_taken_for_the_end() -> None:
    time = Time()
    time.begin()
    assert time.until_verdict(35) == (None, 35)
    time.live()
    assert time.until_verdict(35)[0] is None


def test_an_engine_in_a_deadlock_lives_and_is_hung_all_the_same() -> None:
    time = Time()
    time.begin()
    verdict, seconds = time.until_verdict(600, time.live)
    assert isinstance(verdict, Hung)
    assert "did not move for 300 s" in verdict.why
    assert seconds <= BOUNDS.still_seconds + 2 * LOOK_SECONDS


def test_a_step_of_four_minutes_is_no_deadlock() -> None:
    time = Time()
    time.begin()
    for passes in range(5):
        time.watchdog.alive(passes)
        assert time.until_verdict(240, partial(time.watchdog.alive, passes))[0] is None


def test_an_idle_engine_owes_no_progress() -> None:
    time = Time()
    time.begin()
    time.watchdog.end(JOB)
    assert time.until_verdict(3600, time.live)[0] is None


def test_of_several_jobs_at_hand_each_has_its_own_limit_and_end() -> None:
    time = Time()
    for job_id, limit in ((JOB, 20.0), ("job-2", 20.0), ("job-3", None)):
        time.watchdog.begin(job_id, limit, now=time.now)
    verdicts = [time.until_verdict(60, time.work)[0] for _ in range(2)]
    assert verdicts == [Overdue(job_id=JOB), Overdue(job_id="job-2")]
    time.watchdog.end(JOB)
    verdict, seconds = time.until_verdict(120, time.work)
    assert isinstance(verdict, Hung)
    assert "did not stop within 30 s" in verdict.why
    assert seconds <= BOUNDS.stop_seconds + 2 * LOOK_SECONDS


def test_while_one_of_several_jobs_is_at_hand_progress_is_owed() -> None:
    time = Time()
    for job_id in (JOB, "job-2"):
        time.watchdog.begin(job_id, None, now=time.now)
    time.watchdog.end("job-2")
    assert isinstance(time.until_verdict(600, time.live)[0], Hung)


def test_an_engine_that_waits_for_us_owes_nothing() -> None:
    """It cannot speak while we take a film's frames to a slow encoder."""
    time = Time()
    time.begin()
    with time.watchdog.hearing():
        assert time.until_verdict(900)[0] is None
    assert time.until_verdict(50)[0] is None


def test_loading_owes_no_sign_of_life_but_ends_some_time() -> None:
    time = Time(ready=False)
    assert time.until_verdict(890)[0] is None
    verdict, _ = time.until_verdict(20)
    assert verdict == Hung(why="it did not get ready within 900 s")


def test_our_own_standstill_is_no_silence_of_the_engine_s() -> None:
    """Stopped and continued (SIGSTOP), or on a machine that slept: nothing could be heard."""
    time = Time()
    time.begin()
    time.now += 3600
    assert time.watchdog.look(time.now) is None
    assert time.until_verdict(50)[0] is None


def test_a_job_at_its_limit_is_overdue_once_and_hung_if_it_does_not_stop() -> None:
    time = Time()
    time.begin(20)
    assert time.until_verdict(60, time.live) == (Overdue(job_id=JOB), 20)
    verdict, seconds = time.until_verdict(60, time.live)
    assert isinstance(verdict, Hung)
    assert "did not stop within 30 s of being told to" in verdict.why
    assert seconds <= BOUNDS.stop_seconds + 2 * LOOK_SECONDS


@pytest.mark.parametrize("stuck_for", [0, 5, 25])
def test_one_that_does_not_move_at_its_limit_is_stuck(stuck_for: float) -> None:
    """Shortly before it, too: long before the bound on progress would have found it."""
    time = Time()
    time.begin(200)
    assert time.until_verdict(200 - stuck_for - 1, time.work)[0] is None
    assert isinstance(time.until_verdict(60, time.live)[0], Overdue)
    verdict, _ = time.until_verdict(60, time.live)
    assert isinstance(verdict, Hung)
    assert verdict.stuck


def test_one_that_gives_no_sign_of_life_at_its_limit_is_stuck() -> None:
    time = Time()
    time.begin(20)
    time.until_verdict(60)
    verdict, _ = time.until_verdict(60)
    assert isinstance(verdict, Hung)
    assert verdict.stuck


def test_one_that_goes_on_past_its_limit_is_not_stuck() -> None:
    time = Time()
    time.begin(20)
    time.until_verdict(60, time.work)
    verdict, _ = time.until_verdict(60, time.work)
    assert isinstance(verdict, Hung)
    assert not verdict.stuck


def test_a_cancelled_job_that_does_not_stop_is_found_long_before_a_deadlock_is() -> None:
    time = Time()
    time.begin()
    time.watchdog.told_to_stop("another job")
    assert time.until_verdict(100, time.live)[0] is None
    time.watchdog.told_to_stop(JOB)
    verdict, seconds = time.until_verdict(100, time.live)
    assert isinstance(verdict, Hung)
    assert verdict.why == "its job did not stop within 30 s of being told to"
    assert seconds <= BOUNDS.stop_seconds + 2 * LOOK_SECONDS


def test_a_cancelled_job_of_long_steps_has_time_for_one() -> None:
    """A film's on a slow GPU: 25 s between two places where it would stop."""
    time = Time()
    time.begin()
    for passes in range(3):
        assert time.until_verdict(25, partial(time.watchdog.alive, passes))[0] is None
    time.watchdog.told_to_stop(JOB)
    assert time.until_verdict(74, partial(time.watchdog.alive, 2))[0] is None
    verdict, seconds = time.until_verdict(60, partial(time.watchdog.alive, 2))
    assert isinstance(verdict, Hung)
    assert seconds < 10


def test_the_long_steps_of_one_job_are_not_granted_to_the_next() -> None:
    time = Time()
    time.begin()
    time.until_verdict(60, time.live)
    time.watchdog.alive(8)
    time.until_verdict(5, partial(time.watchdog.alive, 8))
    time.watchdog.end(JOB)
    time.begin()
    time.watchdog.told_to_stop(JOB)
    verdict, seconds = time.until_verdict(100, partial(time.watchdog.alive, 8))
    assert isinstance(verdict, Hung)
    assert seconds <= BOUNDS.stop_seconds + 2 * LOOK_SECONDS


def test_a_job_that_stops_at_its_limit_leaves_the_engine_to_the_next() -> None:
    time = Time()
    time.begin(20)
    time.until_verdict(60, time.live)
    time.watchdog.end(JOB)
    time.begin(100)
    assert time.until_verdict(90, time.live)[0] is None


def test_the_time_that_we_take_to_hear_its_answer_is_not_the_engine_s() -> None:
    time = Time()
    time.begin(20)
    time.until_verdict(60, time.live)
    with time.watchdog.hearing():
        assert time.until_verdict(55)[0] is None


def test_the_signs_are_due_long_before_they_are_missed() -> None:
    assert BOUNDS.silent_seconds < BOUNDS.still_seconds
    assert BOUNDS.silent_seconds > 35, "a GIL held that long is one of the faults that pass"
