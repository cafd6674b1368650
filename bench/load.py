"""`python -m bench.load`: B6, many requests at once on the embedded model, in batches.

Through the real engine process on one core: a burst that finds it idle, arrivals by Poisson at more
than it can do, and requests that come alone, in turn with their floor and their peer. The floor is
the best static batch: pictures a second of one request for 1, 2, 4 or 8 pictures, whichever is
most; it encodes one prompt for all. The peer is the same engine with batches switched off, a serial
worker; a second one, where it is installed (`make bench` does it), LitServe around the stock
diffusers pipeline. Each request has a prompt and a seed of its own. Bound: two minutes.
"""

import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from bench.litserve_peer import LitServePeer, litserve_peer
from bench.outcome import Outcome
from bench.reporting import main
from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.batching import TRIED
from gpu_worker.ports import Engine, EngineJob
from shared.parse import parse_request
from shared.request import MAX_IMAGES, Text2ImgRequest

ROUNDS = 3
STEPS = 12
#: Requests of a burst; of a serial worker's, which is as fast for few.
BURST, SERIAL_BURST, PEER_BURST = 33, 8, 17
#: Pictures of a sample of the floor.
FLOOR_PICTURES = 8
#: Requests that come by chance, and how many times as fast as the floor could draw them: only an
#: engine that has more to do than it can shows its throughput.
ARRIVALS, OVERLOAD = 41, 2.0
LONE = 7
GOAL_SHARE, GOAL_LONE = 0.95, 1.02
READY_SECONDS = 120.0
#: Has the request of a number drawn, and waits for it.
Draw: TypeAlias = Callable[[int], object]
COLOURS = ("red", "yellow", "green", "blue", "white")
SHAPES = ("circle", "triangle", "box")


@dataclass
class Samples:
    """In the order of their taking; pictures a second, and seconds."""

    floor: list[float] = field(default_factory=list[float])
    burst: list[float] = field(default_factory=list[float])
    serial_burst: list[float] = field(default_factory=list[float])
    poisson: list[float] = field(default_factory=list[float])
    lone: list[float] = field(default_factory=list[float])
    serial_lone: list[float] = field(default_factory=list[float])
    litserve_burst: list[float] = field(default_factory=list[float])
    litserve_lone: list[float] = field(default_factory=list[float])
    best_rows: int = 1


def measure() -> list[Outcome]:
    """B6a and B6b: throughput, and B6c: a lone request's seconds."""
    random_numbers = random.Random(6)  # noqa: S311 - arrivals, no secrets
    samples = Samples()
    with _engine(None) as batched, _engine(1) as serial, litserve_peer() as peer:
        rows = batched.wait_ready(READY_SECONDS).batch_rows
        for engine in (batched, serial):
            _rate_of_burst(_by(engine), 2 * rows)
        if peer is not None:
            _rate_of_burst(_asked(peer), 2 * rows)
        for _ in range(ROUNDS):
            floor, samples.best_rows = _best_static(serial)
            samples.floor.append(floor)
            samples.burst.append(_rate_of_burst(_by(batched), BURST))
            samples.serial_burst.append(_rate_of_burst(_by(serial), SERIAL_BURST))
            gaps = [random_numbers.expovariate(floor * OVERLOAD) for _ in range(ARRIVALS)]
            samples.poisson.append(_rate(_by(batched), gaps))
            if peer is not None:
                samples.litserve_burst.append(_rate_of_burst(_asked(peer), PEER_BURST))
            for _ in range(LONE):
                samples.lone.append(_seconds(_by(batched)))
                samples.serial_lone.append(_seconds(_by(serial)))
                if peer is not None:
                    samples.litserve_lone.append(_seconds(_asked(peer)))
    return outcomes_of(samples, rows)


def outcomes_of(samples: Samples, rows: int) -> list[Outcome]:
    floor = statistics.median(samples.floor)
    serial = statistics.median(samples.serial_burst)
    throughput = []
    for name, timed, values in (
        ("B6a", f"a burst of {BURST} requests", samples.burst),
        ("B6b", f"Poisson arrivals at {OVERLOAD:g} × the floor", samples.poisson),
    ):
        # Against the floor of its own round: the machine is not the same a minute later.
        share = statistics.median(
            value / beside for value, beside in zip(values, samples.floor, strict=True)
        )
        throughput.append(
            Outcome(
                name=name,
                timed=timed,
                value=statistics.median(values),
                floor=floor,
                peer=serial,
                unit="pictures a second",
                goal=f"≥ {GOAL_SHARE} × floor",
                met=share >= GOAL_SHARE,
                samples={
                    "ours": values,
                    "floor": samples.floor,
                    "peer": samples.serial_burst,
                    **_if_any("litserve", samples.litserve_burst),
                },
                more={
                    "of the floor": share,
                    "of the peer": statistics.median(values) / serial,
                    **_beside("of LitServe", values, samples.litserve_burst),
                    "rows of a batch": rows,
                    "rows of the best static batch": samples.best_rows,
                },
            )
        )
    lone, alone = statistics.median(samples.lone), statistics.median(samples.serial_lone)
    return [
        *throughput,
        Outcome(
            name="B6c",
            timed="a request that comes alone",
            value=lone,
            floor=None,
            peer=alone,
            unit="s",
            goal=f"p50 ≤ {GOAL_LONE} × serial worker",
            met=lone <= GOAL_LONE * alone,
            samples={
                "ours": samples.lone,
                "peer": samples.serial_lone,
                **_if_any("litserve", samples.litserve_lone),
            },
            more={
                "of the peer": lone / alone,
                **_beside("of LitServe", samples.lone, samples.litserve_lone),
            },
        ),
    ]


def _if_any(name: str, values: Sequence[float]) -> dict[str, Sequence[float]]:
    return {name: values} if values else {}


def _beside(name: str, ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """The ratio of the medians, where there is somebody to compare with."""
    return {name: statistics.median(ours) / statistics.median(theirs)} if theirs else {}


@contextmanager
def _engine(batch_rows: int | None) -> Iterator[EngineProcess]:
    """None: as many as a trial says that pay."""
    engine = EngineProcess("shapes", batch_rows=batch_rows)
    engine.start()
    try:
        engine.wait_ready(READY_SECONDS)
        yield engine
    finally:
        engine.close()


def _job(number: int, pictures: int = 1) -> EngineJob:
    request = {
        "prompt": f"a {COLOURS[number % len(COLOURS)]} {SHAPES[number % len(SHAPES)]}",
        "num_inference_steps": STEPS,
        "refiner_inference_steps": 0,
        "num_images": pictures,
    }
    parsed = parse_request(request, max_images=MAX_IMAGES)
    return EngineJob(job_id=f"load-{number}", request=parsed, seed=number)


def _best_static(engine: Engine) -> tuple[float, int]:
    """Pictures a second, and of how many at a time."""
    rates = {}
    for rows in TRIED:
        began = time.perf_counter()
        for number in range(FLOOR_PICTURES // rows):
            engine.run(_job(number, rows), lambda _: None)
        rates[rows] = FLOOR_PICTURES / (time.perf_counter() - began)
    best = max(rates, key=lambda rows: rates[rows])
    return rates[best], best


def _by(engine: Engine) -> Draw:
    return lambda number: engine.run(_job(number), lambda _: None)


def _asked(peer: LitServePeer) -> Draw:
    def draw(number: int) -> bytes:
        request = _job(number).request
        assert isinstance(request, Text2ImgRequest)
        return peer.draw(
            prompt=request.prompt,
            seed=number,
            steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
        )

    return draw


def _rate_of_burst(draw: Draw, count: int) -> float:
    return _rate(draw, [0.0] * count)


def _rate(draw: Draw, gaps: Sequence[float]) -> float:
    """Pictures a second, from the first request, of requests that come so many seconds apart."""
    with ThreadPoolExecutor(len(gaps)) as threads:
        began = time.perf_counter()
        runs = []
        for number, gap in enumerate(gaps):
            if gap:
                threading.Event().wait(gap)
            runs.append(threads.submit(draw, number))
        for run in runs:
            run.result()
        return len(gaps) / (time.perf_counter() - began)


def _seconds(draw: Draw) -> float:
    began = time.perf_counter()
    draw(0)
    return time.perf_counter() - began


if __name__ == "__main__":
    main(measure)
