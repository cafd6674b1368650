"""How many a worker has completed, and its moving mean of their seconds."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from gpu_worker.tally import NEWEST_SHARE, Tally
from shared.kinds import Kind


def test_at_first_nothing_is_done_and_no_speed_is_known() -> None:
    done = Tally().done()
    assert (done.jobs, done.seconds) == ({}, {})


def test_kinds_are_counted_and_timed_apart() -> None:
    tally = Tally()
    for kind, seconds in ((Kind.IMAGE, 2.0), (Kind.VIDEO, 60.0), (Kind.IMAGE, 2.0)):
        tally.add(kind, seconds)
    done = tally.done()
    assert done.jobs == {Kind.IMAGE: 2, Kind.VIDEO: 1}
    assert done.seconds == {Kind.IMAGE: 2.0, Kind.VIDEO: 60.0}


def test_the_first_job_s_seconds_are_the_mean_and_each_newer_one_has_its_share() -> None:
    tally = Tally()
    tally.add(Kind.IMAGE, 10.0)
    assert tally.done().seconds == {Kind.IMAGE: 10.0}
    tally.add(Kind.IMAGE, 20.0)
    assert tally.done().seconds[Kind.IMAGE] == pytest.approx(10.0 + NEWEST_SHARE * 10.0)


def test_after_ten_jobs_the_mean_says_mostly_what_they_took() -> None:
    tally = Tally()
    tally.add(Kind.IMAGE, 100.0)
    for _ in range(10):
        tally.add(Kind.IMAGE, 1.0)
    assert 1.0 < tally.done().seconds[Kind.IMAGE] < 15.0


def test_what_was_said_once_does_not_change_with_the_next_job() -> None:
    tally = Tally()
    tally.add(Kind.IMAGE, 1.0)
    before = tally.done()
    tally.add(Kind.IMAGE, 5.0)
    assert (before.jobs, before.seconds) == ({Kind.IMAGE: 1}, {Kind.IMAGE: 1.0})


def test_of_jobs_on_many_threads_none_is_lost() -> None:
    tally = Tally()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: tally.add(Kind.IMAGE, 3.0), range(400)))
    done = tally.done()
    assert done.jobs == {Kind.IMAGE: 400}
    assert done.seconds[Kind.IMAGE] == pytest.approx(3.0)
