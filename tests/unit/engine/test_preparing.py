"""Texts of jobs that wait, read while another is drawn: on the embedded model, passes counted."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from gpu_worker.adapters.engine_child import EngineChild
from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine import stages
from gpu_worker.engine.model import Model
from gpu_worker.engine.protocol import Prepare as Announcement
from gpu_worker.engine.specs import SHAPES
from gpu_worker.engine.speed_options import Prepare, SpeedOptions
from gpu_worker.engine.upcoming import MOST, Upcoming
from gpu_worker.ports import EngineJob, EngineProgress, Pixels, no_frames
from tests.contract.engine_jobs import all_waiting
from tests.unit.engine.company import Company
from tests.unit.engine.jobs import PATIENCE_SECONDS, make_job

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

STEPS = 4
ENCODERS = ("text_encoder", "text_encoder_2")


class Studio:
    """The embedded model, what waits for it, and after which steps its encoders were called."""

    def __init__(self, **speed: Any) -> None:
        self.model = Model((SHAPES, SHAPES.source), speed=SpeedOptions(**speed))
        self.upcoming = Upcoming()
        self.model.prepare(self.upcoming)
        self.passes: Counter[str] = Counter()
        #: Passes when each step was reported.
        self.seen: list[int] = []
        draw: Any = self.model._draw
        self.pipelines = draw._pipelines
        for name in ENCODERS:
            getattr(self.pipelines.text2img, name).register_forward_pre_hook(
                lambda *_, name=name: self.passes.update([name])
            )

    def announce(self, *jobs: EngineJob) -> None:
        for job in jobs:
            self.upcoming.add(job.job_id, job.request)

    def draw(self, job: EngineJob) -> tuple[Pixels, dict[str, int]]:
        """The picture, and the passes that it took from beginning to end."""
        self.passes.clear()
        self.seen.clear()
        result = self.model.generate(job, self._note, lambda: None, no_frames)
        return result.pictures[0].pixels, dict(self.passes)

    def _note(self, _: EngineProgress) -> None:
        self.seen.append(self.passes["text_encoder"])


@pytest.fixture(scope="module")
def shared_studio() -> Studio:
    return Studio(prepare=Prepare.ON)


@pytest.fixture
def studio(shared_studio: Studio) -> Studio:
    while (waiting := shared_studio.upcoming.first()) is not None:
        shared_studio.upcoming.remove(waiting[0])
    return shared_studio


def wish(prompt: str, **parameters: Any) -> EngineJob:
    return make_job(
        prompt=prompt,
        **{"num_inference_steps": STEPS, "refiner_inference_steps": 0, **parameters},
    )


def test_the_next_job_s_texts_are_read_in_the_steps_of_this_one_and_its_turn_begins_with_denoising(
    studio: Studio,
) -> None:
    coming = wish("a blue star", negative_prompt="a green circle")
    alone, passes = Studio(prepare=Prepare.OFF).draw(coming)
    assert passes == {"text_encoder": 2, "text_encoder_2": 2}
    studio.announce(coming)
    studio.draw(wish("a red circle"))
    # Encode, denoise, four steps, decode: one text in the first step, one in the second.
    assert studio.seen == [0, 1, 2, 3, 3, 3, 3]
    assert studio.upcoming.first() is None
    drawn, passes = studio.draw(coming)
    assert passes == {}
    assert np.array_equal(drawn, alone)


def test_texts_for_a_refiner_and_weighted_ones_are_read_ahead_too(studio: Studio) -> None:
    both = {"refiner_inference_steps": STEPS, "high_noise_frac": 0.5}
    jobs = (
        wish("a yellow box", negative_prompt="a star", **both),
        wish("a (yellow)1.3 star", prompt_weighting=True),
    )
    studio.announce(*jobs)
    studio.draw(wish("a white circle", num_inference_steps=20))
    assert studio.upcoming.first() is None
    assert [studio.draw(job)[1] for job in jobs] == [{}, {}]


def test_what_a_job_draws_does_not_depend_on_what_is_read_beside_it(studio: Studio) -> None:
    job = wish("a purple triangle")
    alone, _ = studio.draw(job)
    studio.announce(wish("a purple star", negative_prompt="a purple circle"))
    beside, passes = studio.draw(job)
    assert passes == {"text_encoder": 2, "text_encoder_2": 2}
    assert np.array_equal(alone, beside)


def test_a_batch_reads_ahead_in_its_steps(studio: Studio) -> None:
    coming = [wish(f"a green {it}", negative_prompt=f"a red {it}") for it in ("box", "star")]
    studio.announce(*coming)
    company = Company(wish("a blue box"), wish("a white box"))
    company.draw(studio.model)
    assert studio.upcoming.first() is None
    assert [studio.draw(job)[1] for job in coming] == [{}, {}]


def test_what_cannot_be_read_ahead_is_left_to_its_turn_and_costs_nobody_anything(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    coming, later = wish("a secret star"), wish("a blue box on white")
    encode = stages.encode

    def encode_others(pipeline: Any, request: Any, *others: Any) -> stages.Encoded:
        if request is coming.request:
            raise RuntimeError("no room for a secret star")
        return encode(pipeline, request, *others)

    monkeypatch.setattr(stages, "encode", encode_others)
    studio.announce(coming, later)
    studio.draw(wish("a red box"))
    assert f"job {coming.job_id} is read on its turn: RuntimeError" in caplog.text
    assert "secret" not in caplog.text
    monkeypatch.undo()
    assert studio.draw(later)[1] == {}
    assert studio.draw(coming)[1] == {"text_encoder": 1, "text_encoder_2": 1}


def test_a_cache_too_small_for_two_texts_is_not_filled_over_and_over() -> None:
    """An embedding of the embedded model in fp32 is 39 KB: eight of them are more than 0.3 MB."""
    studio = Studio(prepare=Prepare.ON)
    texts: Any = studio.model._texts
    texts._capacity = 1
    coming = wish("a blue star", negative_prompt="a green circle")
    studio.announce(coming)
    studio.draw(wish("a red circle", num_inference_steps=8))
    assert studio.upcoming.first() is None
    assert studio.seen[-1] <= 1 + 2


@pytest.mark.parametrize(
    "speed",
    [{"prepare": Prepare.OFF}, {}, {"prepare": Prepare.ON, "text_cache_mebibytes": 0}],
    ids=["off", "auto on a CPU", "nothing is kept"],
)
def test_where_it_is_of_no_use_nothing_is_read_ahead(speed: dict[str, Any]) -> None:
    studio = Studio(**speed)
    studio.announce(wish("a blue star"))
    _, passes = studio.draw(wish("a red circle", num_inference_steps=2))
    assert passes == {"text_encoder": 1, "text_encoder_2": 1}


def test_no_more_jobs_are_kept_than_a_worker_holds() -> None:
    upcoming = Upcoming()
    jobs = [wish(f"number {it}") for it in range(MOST + 2)]
    for job in jobs:
        upcoming.add(job.job_id, job.request)
    kept = []
    while (first := upcoming.first()) is not None:
        kept.append(first[0])
        upcoming.remove(first[0])
    assert kept == [job.job_id for job in jobs[2:]]


def test_a_process_is_told_of_those_who_wait_while_another_is_at_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    send_apart = EngineChild.send_apart

    def note(child: EngineChild, message: Any) -> None:
        if isinstance(message, Announcement):
            told.append(message.job_id)
        send_apart(child, message)

    monkeypatch.setattr(EngineChild, "send_apart", note)
    process = EngineProcess("shapes", speed=SpeedOptions(prepare=Prepare.ON))
    try:
        process.start()
        process.wait_ready(PATIENCE_SECONDS)
        jobs = [wish("a red circle"), wish("a blue star")]
        with all_waiting(process, jobs) as runs:
            assert sorted(told) == sorted(job.job_id for job in jobs)
            pictures = [it.result(PATIENCE_SECONDS).pictures[0].pixels for it in runs]
        again = [process.run(job, lambda _: None).pictures[0].pixels for job in jobs]
        assert all(map(np.array_equal, pictures, again))
        assert sorted(told) == sorted(job.job_id for job in jobs)
    finally:
        process.close()
