"""`python -m bench.request_overhead`: what the engine adds to one request of the embedded models.

B5: the engine's own call, the bare models in a loop by hand, and diffusers' pipelines, in turn on
one thread in one process; all texts are new each time, so nothing is remembered. Then the same
request again: how many passes of a text encoder it takes. Previews are made in ours alone.
"""

import gc
import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.outcome import Outcome
from bench.reporting import main
from gpu_worker.engine.loading import quieten
from gpu_worker.engine.specs import SHAPES, SHAPES_FILM
from gpu_worker.ports import EngineJob, no_frames
from shared.parse import parse_request
from shared.request import Text2ImgRequest, Text2VideoRequest

#: A film takes three times as long as a picture.
PICTURES, FILMS = 15, 9
#: Not counted: kernels are chosen and memory is taken.
WARM_UPS = 2
SEED = 7
GOAL = 1.02
FRAMES = 17
#: Seconds of the clock, and of this process's own work: on a busy machine those are steadier.
Sample = tuple[float, float]
WAYS = ("ours", "floor", "peer")

_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    rounds: int
    #: Before them.
    warm_ups: int


def measure(
    pictures: int = PICTURES, films: int = FILMS, warm_ups: int = WARM_UPS
) -> list[Outcome]:
    """In as many rounds, after as many to warm up."""
    quieten(SHAPES.source, SHAPES_FILM.source)
    # The libraries read their environment once.
    from gpu_worker.engine.model import Model  # noqa: PLC0415

    model = Model((SHAPES, SHAPES.source), (SHAPES_FILM, SHAPES_FILM.source))
    # As the engine's process does before its first job.
    gc.collect()
    gc.freeze()
    return [
        _pictures(model, Times(rounds=pictures, warm_ups=warm_ups)),
        _films(model, Times(rounds=films, warm_ups=warm_ups)),
    ]


def _pictures(model: Any, times: Times) -> Outcome:
    from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import (  # noqa: PLC0415
        StableDiffusionXLPipeline,
    )

    from bench import bare_loops  # noqa: PLC0415
    from gpu_worker.engine.schedulers import build_scheduler  # noqa: PLC0415

    side = SHAPES.default_size[0]
    pipeline = model._draw._pipelines.text2img  # noqa: SLF001 - the same modules in all three ways
    config = pipeline.scheduler.config
    stock: Any = StableDiffusionXLPipeline(**pipeline.components, add_watermarker=False)
    stock.set_progress_bar_config(disable=True)

    def ours(request: Text2ImgRequest) -> Any:
        job = EngineJob(job_id="bench", request=request, seed=SEED)
        result = model.generate(job, lambda _: None, lambda: None, no_frames)
        return result.pictures[0].pixels

    def floor(request: Text2ImgRequest) -> Any:
        scheduler = build_scheduler(request.scheduler, config)
        return bare_loops.bare_picture(pipeline, scheduler, request, side, SEED)

    def peer(request: Text2ImgRequest) -> Any:
        stock.scheduler = build_scheduler(request.scheduler, config)
        return bare_loops.stock_picture(stock, request, side, SEED)

    encoders = (pipeline.text_encoder, pipeline.text_encoder_2)
    return _outcome(
        "B5a", "one picture, embedded SDXL, 25 steps", (ours, floor, peer), _wish, encoders, times
    )


def _films(model: Any, times: Times) -> Outcome:
    from bench import bare_loops  # noqa: PLC0415

    filming = model._shoot  # noqa: SLF001
    pipeline, config = filming._pipeline, filming._schedule  # noqa: SLF001
    tokens = pipeline.tokenizer.model_max_length
    kind = type(pipeline.scheduler)

    def ours(request: Text2VideoRequest) -> Any:
        chunks: list[Any] = []
        job = EngineJob(job_id="bench", request=request, seed=SEED)
        model.generate(job, lambda _: None, lambda: None, chunks.append)
        return chunks

    def floor(request: Text2VideoRequest) -> Any:
        return bare_loops.bare_film(pipeline, kind.from_config(config), request, tokens, SEED)

    def peer(request: Text2VideoRequest) -> Any:
        pipeline.scheduler = kind.from_config(config)
        return bare_loops.stock_film(pipeline, request, tokens, SEED)

    return _outcome(
        "B5b",
        "one film, embedded Wan, 17 frames, 25 steps",
        (ours, floor, peer),
        _film_wish,
        (pipeline.text_encoder,),
        times,
    )


def _wish(number: int) -> Text2ImgRequest:
    request = parse_request(
        {
            "prompt": f"a red circle on a blue background {number}",
            "negative_prompt": f"a star {number}",
            "refiner_inference_steps": 0,
        }
    )
    assert isinstance(request, Text2ImgRequest)
    return request


def _film_wish(number: int) -> Text2VideoRequest:
    """Of the size that the model draws, which no one may ask for: nothing is resized."""
    width, height = SHAPES_FILM.native_sizes[0]
    return Text2VideoRequest.model_construct(
        prompt=f"a red circle moving right {number}",
        negative_prompt=f"a star {number}",
        num_frames=FRAMES,
        video_width=width,
        video_height=height,
    )


def _outcome(  # noqa: PLR0917 - what tells the two apart
    name: str,
    timed: str,
    ways: Sequence[Callable[[Any], Any]],
    wish: Callable[[int], Any],
    encoders: Sequence[Any],
    times: Times,
) -> Outcome:
    named = [*zip(WAYS, ways, strict=True)]
    wall: dict[str, list[float]] = {way: [] for way in WAYS}
    own: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(times.warm_ups + times.rounds):
        # Each way comes first, second and last as often.
        turn = number % len(WAYS)
        for way, run in named[turn:] + named[:turn]:
            seconds, work = _timed(run, wish(next(_numbers)))
            if number >= times.warm_ups:
                wall[way].append(seconds)
                own[way].append(work)
    value, floor, peer = (statistics.median(wall[way]) for way in WAYS)
    works = {way: statistics.median(own[way]) for way in WAYS}
    return Outcome(
        name=name,
        timed=timed,
        value=value,
        floor=floor,
        peer=peer,
        unit="s",
        goal=f"≤ {GOAL} × floor",
        met=value <= GOAL * floor,
        samples=wall,
        more={
            "ours_over_floor": statistics.median(
                mine / bare for mine, bare in zip(wall["ours"], wall["floor"], strict=True)
            ),
            "cpu_ours_over_floor": works["ours"] / works["floor"],
            "cpu_ours_over_peer": works["ours"] / works["peer"],
            "text_encoder_calls_repeated": _passes_of_a_repetition(ways[0], wish, encoders),
        },
    )


def _timed(run: Callable[[Any], Any], request: Any) -> Sample:
    import torch  # noqa: PLC0415

    began, worked = time.perf_counter(), time.process_time()
    with torch.no_grad():
        run(request)
    return time.perf_counter() - began, time.process_time() - worked


def _passes_of_a_repetition(
    ours: Callable[[Any], Any], wish: Callable[[int], Any], encoders: Sequence[Any]
) -> int:
    request = wish(next(_numbers))
    ours(request)
    passes = 0

    def count(*_: Any) -> None:
        nonlocal passes
        passes += 1

    hooks = [it.register_forward_pre_hook(count) for it in encoders]
    ours(request)
    for hook in hooks:
        hook.remove()
    return passes


if __name__ == "__main__":
    main(measure)
