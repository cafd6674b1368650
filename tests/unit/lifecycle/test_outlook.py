"""When another job is wanted: what the engine is predicted to take, by progress and by the last."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from gpu_worker.in_memory_engine import InMemoryEngine, Script
from gpu_worker.lifecycle.outlook import (
    KINDS,
    LEAD_SECONDS,
    LEAD_SHARE,
    ForesightedEngine,
    kind_of,
)
from gpu_worker.ports import EngineJob, EngineProgress, EngineResult
from shared.errors import ErrorCode, GenerationError
from shared.request import GenerationRequest, SpeedTier, Text2ImgRequest, Text2VideoRequest
from tests.unit.lifecycle.stores import TIMEOUT_SECONDS
from tests.unit.lifecycle.world import ManualClock

PICTURE = Text2ImgRequest(prompt="a", num_inference_steps=4, width=64, height=64)
FILM = Text2VideoRequest(prompt="a", num_inference_steps=4, num_frames=17)


class Desk:
    """An engine that stands before each step until told, and its outlook."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.clock = ManualClock()
        self.inner = InMemoryEngine(lambda _: Script(hold_at=3))
        self.engine = ForesightedEngine(self.inner, self.clock)
        self._pool = pool

    def begin(self, name: str, request: GenerationRequest = PICTURE) -> "Future[EngineResult]":
        """Until it stands before step 3 of 4: half of it (of a film 2 of 5) is done."""
        job = EngineJob(job_id=f"{name}/1", request=request, seed=1)
        running = self._pool.submit(self.engine.run, job, lambda _: None)
        self.inner.wait_held(job.job_id)
        return running

    def end(self, name: str, running: "Future[EngineResult]", *, seconds: float = 0.0) -> None:
        """After `seconds` more."""
        self.clock.advance(seconds)
        self.inner.release(f"{name}/1")
        running.result(TIMEOUT_SECONDS)
        self.engine.settled(name)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with ThreadPoolExecutor(4) as pool:
        desk = Desk(pool)
        yield desk
        desk.inner.close()


class AtOnce:
    """An engine whose jobs do what they are given to do."""

    def __init__(self, work: Callable[[Callable[[EngineProgress], None]], None]) -> None:
        self.work = work

    def run(self, job: EngineJob, on_progress: Callable[[EngineProgress], None], _: Any) -> Any:
        self.work(on_progress)


def progress(fraction: float) -> EngineProgress:
    return EngineProgress(stage="denoise", step=0, total_steps=10, fraction=fraction)


def job(name: str, request: GenerationRequest = PICTURE) -> EngineJob:
    return EngineJob(job_id=f"{name}/1", request=request, seed=1)


def test_with_nothing_at_work_there_is_nothing_to_predict(desk: Desk) -> None:
    assert desk.engine.wanted_in() is None


def test_the_first_of_its_kind_without_progress_counts_as_over() -> None:
    clock, seen = ManualClock(), []
    inner: Any = AtOnce(lambda _: seen.append(engine.wanted_in()))
    engine = ForesightedEngine(inner, clock)
    engine.run(job("a"), lambda _: None)
    assert seen == [0.0]


def test_progress_and_the_time_that_it_took_predict_the_end() -> None:
    clock, seen = ManualClock(), []

    def work(tell: Callable[[EngineProgress], None]) -> None:
        clock.advance(4)
        tell(progress(0.25))  # so it takes 16 seconds
        clock.advance(2)
        seen.append(engine.wanted_in())

    inner: Any = AtOnce(work)
    engine = ForesightedEngine(inner, clock)
    engine.run(job("a"), lambda _: None)
    assert seen == [16 - 6 - LEAD_SECONDS]


def test_the_lead_before_a_long_job_s_end_is_a_share_of_it() -> None:
    clock, seen = ManualClock(), []

    def work(tell: Callable[[EngineProgress], None]) -> None:
        clock.advance(100)
        tell(progress(0.5))
        seen.append(engine.wanted_in())

    inner: Any = AtOnce(work)
    engine = ForesightedEngine(inner, clock)
    engine.run(job("a", FILM), lambda _: None)
    assert seen == [200 - 100 - LEAD_SHARE * 200]


def test_of_two_predictions_the_earlier_one_counts() -> None:
    clock, seen = ManualClock(), []
    slow = iter([10, 60])

    def work(tell: Callable[[EngineProgress], None]) -> None:
        seconds = next(slow)
        clock.advance(seconds / 2)
        tell(progress(0.5))
        seen.append(engine.wanted_in())
        clock.advance(seconds / 2)

    inner: Any = AtOnce(work)
    engine = ForesightedEngine(inner, clock)
    for name in ("a", "b"):
        engine.run(job(name), lambda _: None)
    # The second takes six times as long as the first did, which only its progress tells.
    assert seen == [10 - 5 - LEAD_SECONDS, 10 - 30 - LEAD_SECONDS]


def test_a_job_is_predicted_by_the_last_of_its_kind_and_by_no_other() -> None:
    clock, seen = ManualClock(), []

    def work(_: Callable[[EngineProgress], None]) -> None:
        seen.append(engine.wanted_in())
        clock.advance(10)

    inner: Any = AtOnce(work)
    engine = ForesightedEngine(inner, clock)
    more = PICTURE.model_copy(update={"num_inference_steps": 50})
    for name, request in (("a", PICTURE), ("b", FILM), ("c", more), ("d", PICTURE)):
        engine.run(job(name, request), lambda _: None)
    assert seen == [0.0, 0.0, 0.0, 10 - LEAD_SECONDS]


@pytest.mark.parametrize(
    ("request_", "otherwise"),
    [
        (PICTURE, {"speed_tier": SpeedTier.FAST}),
        (PICTURE, {"guidance_scale": 1.0}),
        (FILM, {"speed_tier": SpeedTier.FAST}),
        (FILM, {"video_guidance_scale": 1.0}),
    ],
)
def test_what_makes_less_work_of_each_step_makes_another_kind(
    request_: GenerationRequest, otherwise: dict[str, Any]
) -> None:
    assert kind_of(request_) != kind_of(request_.model_copy(update=otherwise))
    same = {"prompt": "b", "seed": 8}
    assert kind_of(request_) == kind_of(request_.model_copy(update=same))


def test_a_job_that_failed_teaches_nothing() -> None:
    clock, seen = ManualClock(), []
    faults = iter([True, False])

    def work(_: Callable[[EngineProgress], None]) -> None:
        seen.append(engine.wanted_in())
        clock.advance(10)
        if next(faults):
            raise ZeroDivisionError

    inner: Any = AtOnce(work)
    engine = ForesightedEngine(inner, clock)
    with pytest.raises(ZeroDivisionError):
        engine.run(job("a"), lambda _: None)
    engine.run(job("b"), lambda _: None)
    assert seen == [0.0, 0.0]


def test_a_job_in_line_is_counted_from_the_end_of_the_one_before(desk: Desk) -> None:
    first = desk.begin("a")
    waiting = desk._pool.submit(desk.engine.run, job("b"), lambda _: None)
    desk.end("a", first, seconds=8)
    desk.inner.wait_held("b/1")
    desk.end("b", waiting, seconds=20)
    third = desk.begin("c")
    assert desk.engine._took[next(iter(desk.engine._took))] == 20
    desk.end("c", third)


def test_what_had_its_turn_is_stored_until_it_is_settled(desk: Desk) -> None:
    running = desk.begin("a")
    assert desk.engine.storing() == 0
    desk.inner.release("a/1")
    running.result(TIMEOUT_SECONDS)
    assert desk.engine.storing() == 1
    desk.engine.settled("a")
    assert desk.engine.storing() == 0


def test_only_so_many_kinds_are_remembered() -> None:
    inner: Any = AtOnce(lambda _: None)
    engine = ForesightedEngine(inner, ManualClock())
    for steps in range(1, KINDS + 10):
        request = PICTURE.model_copy(update={"num_inference_steps": steps})
        engine.run(job("a", request), lambda _: None)
    assert len(engine._took) == KINDS


def test_who_listens_is_told_when_a_job_comes_and_when_it_goes() -> None:
    inner: Any = AtOnce(lambda _: None)
    engine = ForesightedEngine(inner, ManualClock())
    told: list[int] = []
    engine.on_change = lambda: told.append(engine.storing())
    engine.run(job("a"), lambda _: None)
    assert told == [0, 1]


def test_everything_else_is_the_engine_s(desk: Desk) -> None:
    engine = desk.engine
    engine.start()
    assert engine.ready
    assert engine.wait_ready(1) == desk.inner.wait_ready(1) == engine.info
    lost: list[object] = []
    engine.watch(lost.append)
    desk.inner.lose("gone")
    assert len(lost) == 1
    engine.close()
    with pytest.raises(GenerationError):
        engine.start()


def test_it_is_as_ready_as_the_engine_behind_it() -> None:
    broken = InMemoryEngine(load_error=GenerationError(ErrorCode.INTERNAL, "No model."))
    engines = [ForesightedEngine(it, ManualClock()) for it in (InMemoryEngine(), broken)]
    assert [it.ready for it in engines] == [True, False]
