"""`LeaseKeeper`: heartbeats in quiet, progress at most once a second, and when it gives up."""

import itertools
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gpu_worker.lifecycle.control import JobControl, StopReason
from gpu_worker.lifecycle.keeper import (
    FIRST_WRITE_SECONDS,
    MIN_WRITE_INTERVAL_SECONDS,
    LeaseKeeper,
)
from gpu_worker.lifecycle.leased_document import LeasedDocument
from gpu_worker.lifecycle.take import take
from gpu_worker.ports import EngineProgress
from shared.clock import Clock, SystemClock
from shared.lease import HEARTBEAT_SECONDS, LEASE_SECONDS, SAFETY_MARGIN_SECONDS
from shared.ports import Changes, Conflict, Unavailable
from tests.unit.lifecycle.stores import PATH, TIMEOUT_SECONDS
from tests.unit.lifecycle.world import World, step_of


def claim(world: World, clock: Clock, lease_seconds: float = LEASE_SECONDS) -> LeasedDocument:
    world.submit()
    taken = take(
        world.documents,
        clock,
        PATH,
        worker_id="worker-a",
        on_cancel_requested=lambda: None,
        lease_seconds=lease_seconds,
    )
    assert isinstance(taken, LeasedDocument)
    return taken


def at(step: int, stage: str = "denoise", total: int = 10) -> EngineProgress:
    return EngineProgress(stage=stage, step=step, total_steps=total, fraction=step / total)


def fractions(world: World) -> list[float]:
    return [w["progress"]["fraction"] for w in world.documents.writes if step_of(w) is not None]


def test_the_first_progress_is_written_when_it_is_sure_that_the_job_takes_a_moment(
    world: World,
) -> None:
    leased = claim(world, world.clock)
    with LeaseKeeper(leased, JobControl(), world.clock) as keeper:
        keeper.report(at(1))
        world.clock.advance(FIRST_WRITE_SECONDS / 2)
        keeper.report(at(2))
        world.clock.advance(FIRST_WRITE_SECONDS)
        keeper.report(at(3))
        world.documents.wait_for_writes(lambda w: step_of(w) == 3)
    assert len(fractions(world)) == 1


def test_a_job_that_is_over_by_then_writes_none(world: World) -> None:
    leased = claim(world, world.clock)
    with LeaseKeeper(leased, JobControl(), world.clock) as keeper:
        keeper.report(at(1))
        keeper.report(at(10))
    world.clock.advance(1)
    keeper._thread.join(TIMEOUT_SECONDS)
    assert fractions(world) == []


def test_then_the_newest_is_written_a_second_later(world: World) -> None:
    leased = claim(world, world.clock)
    with LeaseKeeper(leased, JobControl(), world.clock, first_write_seconds=0) as keeper:
        keeper.report(at(1))
        world.documents.wait_for_writes(lambda w: step_of(w) == 1)
        for step in range(2, 8):
            keeper.report(at(step))
        world.clock.advance(1)
        keeper.report(at(8))
        world.documents.wait_for_writes(lambda w: step_of(w) == 8)
    assert world.documents.data()["progress"] == {
        "fraction": 0.8,
        "stage": "denoise",
        "step": 8,
        "total_steps": 10,
    }
    assert len(fractions(world)) == 2


def test_the_fraction_never_goes_backwards(world: World) -> None:
    leased = claim(world, world.clock)
    with LeaseKeeper(
        leased, JobControl(), world.clock, first_write_seconds=0, write_interval_seconds=0
    ) as keeper:
        for step, stage in ((10, "denoise"), (2, "decode"), (0, "encode")):
            keeper.report(at(step, stage))
            world.documents.wait_for_writes(tells_of(stage))
    assert fractions(world) == [1.0, 1.0, 1.0]


def test_what_follows_the_engine_has_a_share_of_the_fraction(world: World) -> None:
    leased = claim(world, world.clock)
    with LeaseKeeper(
        leased,
        JobControl(),
        world.clock,
        first_write_seconds=0,
        write_interval_seconds=0,
        engine_share=0.97,
    ) as keeper:
        keeper.report(at(5, "denoise"))
        world.documents.wait_for_writes(tells_of("denoise"))
        keeper.engine_done()
        world.documents.wait_for_writes(tells_of("store"))
    assert fractions(world) == [0.485, 0.97]
    assert world.documents.data()["progress"] == {
        "fraction": 0.97,
        "stage": "store",
        "step": 5,
        "total_steps": 10,
    }


def tells_of(stage: str) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a write's progress is of `stage`."""

    def tells(write: Mapping[str, Any]) -> bool:
        progress = write.get("progress")
        return isinstance(progress, dict) and progress["stage"] == stage

    return tells


def tells_of_step(step: int) -> Callable[[Mapping[str, Any]], bool]:
    return lambda write: step_of(write) == step


def test_the_lease_is_renewed_in_quiet(world: World) -> None:
    leased = claim(world, SystemClock())
    with LeaseKeeper(leased, JobControl(), SystemClock(), heartbeat_seconds=0.02):
        world.documents.wait_for_writes(lambda w: set(w) == {"lease"}, 3)
    claimed, *renewed = (w["lease"] for w in world.documents.writes)
    assert len(renewed) >= 3
    # The store's clock stands still; the worker's own runs from one write to the next.
    assert all(lease["expires_at"] > claimed["expires_at"] for lease in renewed)
    assert {lease["token"] for lease in renewed} == {claimed["token"]}


def test_progress_every_second_carries_a_heartbeat_before_eight_are_over(world: World) -> None:
    leased = claim(world, world.clock)
    began = world.clock.monotonic()
    beats = [began]
    with LeaseKeeper(leased, JobControl(), world.clock, first_write_seconds=0) as keeper:
        for step in range(1, 61):
            keeper.report(at(step, total=60))
            world.documents.wait_for_writes(tells_of_step(step))
            *_, before, written = (it["lease"]["expires_at"] for it in world.documents.writes)
            if written != before:
                beats.append(world.clock.monotonic())
            # As long as a worker of the same moment may rely on it.
            assert leased.trusted_seconds() > LEASE_SECONDS - SAFETY_MARGIN_SECONDS - 8
            world.clock.advance(1)
    between = {after - before for before, after in itertools.pairwise(beats)}
    assert between == {HEARTBEAT_SECONDS - MIN_WRITE_INTERVAL_SECONDS}
    assert len(world.documents.writes) == 1 + 60


def test_a_heartbeat_that_failed_is_tried_again_a_second_later(world: World) -> None:
    leased = claim(world, world.clock)
    claimed = world.documents.data()["lease"]
    tries, tried = [], threading.Semaphore(0)

    def away(changes: Changes) -> None:
        moved = changes["lease"]["expires_at"] > claimed["expires_at"]
        tries.append((world.clock.monotonic(), moved))
        tried.release()
        raise Unavailable("away")

    world.documents.before = away
    began = world.clock.monotonic()
    with LeaseKeeper(leased, JobControl(), world.clock, first_write_seconds=0) as keeper:
        for second in (7, 8, 9):
            world.clock.advance(began + second - world.clock.monotonic())
            keeper.report(at(second))
            assert tried.acquire(timeout=TIMEOUT_SECONDS)
    assert tries == [(began + second, True) for second in (7, 8, 9)]


def test_progress_that_could_not_be_written_is_written_next_time(world: World) -> None:
    leased = claim(world, SystemClock())
    failed = threading.Event()

    def away_once(_: Changes) -> None:
        if not failed.is_set():
            failed.set()
            raise Unavailable("away")

    world.documents.before = away_once
    with LeaseKeeper(
        leased, JobControl(), SystemClock(), first_write_seconds=0, write_interval_seconds=0.02
    ) as keeper:
        keeper.report(at(3))
        world.documents.wait_for_writes(lambda w: step_of(w) == 3)
    assert failed.is_set()


def refuse(_: Changes) -> None:
    raise PermissionError("denied")


def be_away(_: Changes) -> None:
    raise Unavailable("away")


@pytest.mark.parametrize("fault", [refuse, be_away])
def test_the_job_stops_when_the_trust_window_closes_in_quiet(
    world: World, fault: Callable[[Changes], None]
) -> None:
    leased = claim(world, SystemClock(), lease_seconds=6.2)
    world.documents.before = fault
    control, stopped = JobControl(), threading.Event()
    # The heartbeat is far off: the window's end alone wakes the keeper.
    with (
        control.in_engine(stopped.set),
        LeaseKeeper(leased, control, SystemClock(), heartbeat_seconds=60),
    ):
        assert stopped.wait(TIMEOUT_SECONDS)
    assert control.reason is StopReason.LEASE_LOST
    assert not leased.trusted()


def test_progress_after_the_trust_window_stops_the_job_at_once(world: World) -> None:
    leased = claim(world, world.clock)
    control, told = JobControl(), threading.Event()
    keeper = LeaseKeeper(leased, control, world.clock)
    world.clock.advance(24)
    with control.in_engine(told.set):
        keeper.report(at(1))
        assert told.is_set()
    assert control.reason is StopReason.LEASE_LOST


def test_a_lease_taken_by_another_worker_stops_the_job(world: World) -> None:
    leased = claim(world, SystemClock())
    world.documents.change(lease={"token": 2, "worker_id": "worker-b", "expires_at": None})
    control, stopped = JobControl(), threading.Event()
    with (
        control.in_engine(stopped.set),
        LeaseKeeper(leased, control, SystemClock(), heartbeat_seconds=0.02),
    ):
        assert stopped.wait(TIMEOUT_SECONDS)
    assert control.reason is StopReason.LEASE_LOST


def test_every_heartbeat_that_meets_a_conflict_is_written_again(world: World) -> None:
    leased = claim(world, SystemClock())
    raised: list[bool] = []

    def conflict_once(_: Changes) -> None:
        if not raised:
            raised.append(True)
            raise Conflict("it has another version")

    world.documents.before = conflict_once
    with LeaseKeeper(leased, JobControl(), SystemClock(), heartbeat_seconds=0.02):
        world.documents.wait_for_writes(lambda w: set(w) == {"lease"}, 2)
    assert raised


def test_the_first_reason_to_stop_wins_and_the_engine_is_told_once_for_it() -> None:
    control, told = JobControl(), []
    with control.in_engine(lambda: told.append(control.reason)):
        control.stop(StopReason.CANCELLED)
        control.stop(StopReason.SHUTDOWN)
    assert control.reason is StopReason.CANCELLED
    assert told == [StopReason.CANCELLED]


def test_a_stop_outside_the_engine_does_not_reach_it() -> None:
    control, told = JobControl(), []
    with control.in_engine(lambda: told.append(True)):
        pass
    control.stop(StopReason.SHUTDOWN)
    assert told == []
