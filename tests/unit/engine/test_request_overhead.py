"""What B5 compares is the same work: the loop by hand ends with the engine's own pixels."""

from typing import Any

import numpy as np
import pytest
import torch

from bench import bare_loops
from bench.request_overhead import GOAL, _film_wish, _wish, measure
from gpu_worker.engine.model import Model
from gpu_worker.engine.schedulers import build_scheduler
from gpu_worker.engine.specs import SHAPES, SHAPES_FILM
from gpu_worker.ports import EngineJob, no_frames
from tests.unit.engine.images import ROUNDING, difference

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SEED = 7


def test_the_floor_draws_the_engine_s_picture() -> None:
    model = Model((SHAPES, SHAPES.source))
    drawing: Any = model._draw
    pipeline = drawing._pipelines.text2img
    request = _wish(1)
    assert bare_loops.is_guided(request)
    job = EngineJob(job_id="job", request=request, seed=SEED)
    (ours,) = model.generate(job, lambda _: None, lambda: None, no_frames).pictures
    scheduler = build_scheduler(request.scheduler, drawing._base_schedule)
    with torch.no_grad():
        floor = bare_loops.bare_picture(pipeline, scheduler, request, len(ours.pixels), SEED)
    assert difference(ours.pixels, floor) <= ROUNDING


def test_the_floor_films_the_engine_s_film() -> None:
    model = Model(None, (SHAPES_FILM, SHAPES_FILM.source))
    filming: Any = model._shoot
    pipeline, config = filming._pipeline, filming._schedule
    request = _film_wish(1)
    assert bare_loops.is_guided(request)
    chunks: list[Any] = []
    job = EngineJob(job_id="job", request=request, seed=SEED)
    model.generate(job, lambda _: None, lambda: None, chunks.append)
    scheduler = type(pipeline.scheduler).from_config(config)
    tokens = pipeline.tokenizer.model_max_length
    with torch.no_grad():
        floor = bare_loops.bare_film(pipeline, scheduler, request, tokens, SEED)
    assert difference(np.concatenate(chunks), floor) <= ROUNDING


def test_all_three_ways_are_timed_and_a_repeated_prompt_costs_no_pass() -> None:
    outcomes = measure(pictures=1, films=1, warm_ups=0)
    assert [it.name for it in outcomes] == ["B5a", "B5b"]
    for it in outcomes:
        assert it.floor is not None
        assert {len(values) for values in it.samples.values()} == {1}
        assert it.met is (it.value <= GOAL * it.floor)
        assert it.more["text_encoder_calls_repeated"] == 0
