"""The line of an engine process: who goes next and with whom, and who goes again alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpu_worker.adapters.engine_line import EngineLine
from gpu_worker.adapters.engine_turn import Turn
from gpu_worker.engine.protocol import TO_ENGINE, Failed, Prepare, Progress, Stopped
from gpu_worker.engine.specs import SHAPES
from gpu_worker.ports import (
    EngineProgress,
    FewSteps,
    JobCancelled,
    LoraFile,
    Sampler,
    no_frames,
)
from shared.errors import ErrorCode, GenerationError
from tests.unit.engine.jobs import make_job


class Line(EngineLine):
    """Of a model that draws four pictures together."""

    def __init__(self) -> None:
        super().__init__(SHAPES)
        self.limit = 4

    def add(self, count: int = 1, **parameters: Any) -> list[Turn]:
        turns = [
            Turn(job=make_job(**parameters), on_progress=lambda _: None, on_frames=no_frames)
            for _ in range(count)
        ]
        for turn in turns:
            self.join(turn)
        return turns


def failed(turn: Turn, code: ErrorCode = ErrorCode.INTERNAL, *, in_company: bool = True) -> Failed:
    return Failed(job_id=turn.job.job_id, code=code, message="…", in_company=in_company)


def test_nobody_goes_while_somebody_is_at_work() -> None:
    line = Line()
    first, second = line.add(2)
    assert line.is_next(first)
    assert not line.is_next(second)
    assert line.send_next() == [first, second] == line.at_work
    (third,) = line.add()
    assert not line.is_next(third)
    for turn in (first, second):
        assert not line.is_next(third)
        line.answer(Stopped(job_id=turn.job.job_id), [], closed=False)
    assert line.is_next(third)


def test_who_was_cancelled_in_line_is_left_out() -> None:
    line = Line()
    first, second, third = line.add(3)
    first.cancelled = second.cancelled = True
    assert line.is_next(third)
    assert line.send_next() == [third]


def test_without_a_limit_everybody_goes_alone() -> None:
    line = Line()
    line.limit = 1
    first, _ = line.add(2)
    assert line.send_next() == [first]


class Told:
    """A process, as far as it is told of those who wait."""

    def __init__(self) -> None:
        self.messages: list[Prepare] = []

    def send_apart(self, message: Prepare) -> None:
        self.messages.append(message)

    @property
    def names(self) -> list[str]:
        return [it.job_id for it in self.messages]


def test_a_process_is_told_once_of_each_who_waits_while_another_is_at_work() -> None:
    line = Line()
    line.limit = 1
    process: Any = Told()
    first, second = line.add(2)
    line.announce(process)
    assert process.names == []
    assert line.send_next() == [first]
    line.announce(None)
    line.announce(process)
    (third,) = line.add()
    third.cancelled = True
    line.announce(process)
    assert process.names == [second.job.job_id]
    (fourth,) = line.add()
    line.announce(process)
    assert process.names == [second.job.job_id, fourth.job.job_id]


def test_it_is_told_of_texts_and_not_of_images() -> None:
    line = Line()
    image = np.zeros((64, 64, 3), np.uint8)
    line.add()
    line.send_next()
    url = "data:image/png;base64," + "A" * 100_000
    line.add(image=image, image_url=url, prompt="a star", negative_prompt="a box")
    process: Any = Told()
    line.announce(process)
    (message,) = process.messages
    assert message.request.prompt == "a star"
    assert message.request.negative_prompt == "a box"
    assert len(TO_ENGINE.dump_json(message)) < 1000
    assert TO_ENGINE.validate_json(TO_ENGINE.dump_json(message)) == message


def test_it_is_not_told_of_films_nor_of_jobs_with_loras() -> None:
    line = Line()
    line.add()
    line.send_next()
    lora = LoraFile(name="ink", weight=1, file=Path("/models/ink"), sha256="0" * 64)
    line.add(task_type="text2video")
    line.add(loras=(lora,))
    fast = make_job(speed_tier="fast")
    steps = FewSteps(lora=lora, steps=4, guidance_scale=1, sampler=Sampler.LCM)
    job = replace(fast, few_steps=steps)
    line.join(Turn(job=job, on_progress=lambda _: None, on_frames=no_frames))
    process: Any = Told()
    line.announce(process)
    assert process.names == []


def test_what_failed_in_company_goes_again_alone_before_those_that_came_later() -> None:
    line = Line()
    first, second, late = [*line.add(2), *line.add(1, scheduler="Heun")]
    line.send_next()
    for turn in (first, second):
        line.answer(failed(turn), [], closed=False)
        assert turn.outcome is None
    assert line.is_next(first)
    assert line.send_next() == [first]
    line.answer(failed(first, in_company=False), [], closed=False)
    assert isinstance(first.outcome, GenerationError)
    assert line.send_next() == [second]
    line.answer(Stopped(job_id=second.job.job_id), [], closed=False)
    assert line.send_next() == [late]


def test_where_memory_ran_out_the_next_batches_of_the_kind_are_smaller() -> None:
    line = Line()
    turns = line.add(4)
    assert line.send_next() == turns
    for turn in turns:
        line.answer(failed(turn, ErrorCode.OUT_OF_MEMORY), [], closed=False)
    for turn in turns:
        line.leave(turn)
    more = line.add(4)
    assert line.send_next() == more[:3]
    for turn in more:
        line.leave(turn)
    others = line.add(4, scheduler="Heun")
    assert line.send_next() == others


def test_a_process_that_dies_under_several_has_each_go_again_alone() -> None:
    line = Line()
    first, second, unwanted = line.add(3)
    line.send_next()
    unwanted.cancelled = True
    line.lose("engine process 1 was ended by SIGKILL", closed=False, stuck=False)
    assert isinstance(unwanted.outcome, JobCancelled)
    assert line.send_next() == [first]
    line.lose("engine process 2 was ended by SIGKILL", closed=False, stuck=False)
    assert isinstance(first.outcome, GenerationError)
    assert first.outcome.code is ErrorCode.ENGINE_CRASHED
    assert line.send_next() == [second]


def test_closing_under_several_ends_them() -> None:
    line = Line()
    turns = line.add(2)
    line.send_next()
    line.lose("engine process 1 ended with exit code 0", closed=True, stuck=False)
    assert all(isinstance(turn.outcome, JobCancelled) for turn in turns)


@pytest.mark.parametrize("reason", ["cancelled", "overdue"])
def test_who_is_told_to_stop_does_not_go_again(reason: str) -> None:
    line = Line()
    first, second = line.add(2)
    line.send_next()
    setattr(first, reason, True)
    for turn in (first, second):
        line.answer(failed(turn), [], closed=False)
    assert isinstance(first.outcome, GenerationError)
    assert second.outcome is None


def test_who_goes_again_is_heard_of_once_it_has_caught_up() -> None:
    heard: list[float] = []

    def listen(progress: EngineProgress) -> None:
        heard.append(progress.fraction)

    turn = Turn(job=make_job(), on_progress=listen, on_frames=no_frames)
    for step in (0, 1, 2, 0, 1, 2, 3):
        message = Progress(
            job_id=turn.job.job_id, stage="denoise", step=step, total_steps=4, fraction=step / 4
        )
        turn.hear(message, [])
    assert heard == [0, 0.25, 0.5, 0.5, 0.75]


def test_a_time_limit_runs_on_when_a_job_goes_again() -> None:
    (turn,) = Line().add()
    assert turn.seconds_left(5.0) is None
    limited = Turn(
        job=type(turn.job)(
            job_id="limited", request=turn.job.request, seed=1, time_limit_seconds=30.0
        ),
        on_progress=lambda _: None,
        on_frames=no_frames,
    )
    assert [limited.seconds_left(now) for now in (100.0, 110.0, 200.0)] == [30.0, 20.0, 0.0]
