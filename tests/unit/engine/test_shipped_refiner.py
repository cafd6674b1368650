"""The embedded model as it is shipped, with its own trained refiner, over the real process."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.ports import Pixels
from tests.unit.engine.jobs import PATIENCE_SECONDS, run, run_and_record
from tests.unit.engine.judge import look_at
from tests.unit.engine.refined import psnr, steps_in

#: In dB against the base's own picture: it mends edges and changes no more. See the table in
#: docs/architecture/20-embedded-model.md for what was measured.
NO_NOISE_ADDED = 20.0
PROMPTS = [
    ("a red circle on a blue background", "red", "blue"),
    ("a green triangle on a yellow background", "green", "yellow"),
    ("a white square on a black background", "white", "black"),
]


@pytest.fixture(scope="module")
def shipped() -> Iterator[EngineProcess]:
    process = EngineProcess("shapes")
    process.start()
    process.wait_ready(PATIENCE_SECONDS)
    yield process
    process.close()


def picture(engine: EngineProcess, **parameters: Any) -> Pixels:
    return run(engine, **parameters).pictures[0].pixels


@pytest.mark.parametrize(("prompt", "colour", "background"), PROMPTS)
def test_what_is_refined_by_default_is_what_was_asked_for(
    shipped: EngineProcess, prompt: str, colour: str, background: str
) -> None:
    result, reported = run_and_record(shipped, prompt=prompt)
    assert result.refiner
    assert steps_in("refine", reported) == list(range(25, 41))
    seen = look_at(result.pictures[0].pixels)
    assert (seen.colour, seen.background) == (colour, background)


@pytest.mark.parametrize(("prompt", "colour", "background"), PROMPTS)
@pytest.mark.parametrize("scheduler", ["DDIM", "K_EULER", "DPMSolverMultistep"])
def test_a_hand_over_to_the_trained_refiner_adds_no_noise(
    shipped: EngineProcess, prompt: str, colour: str, background: str, scheduler: str
) -> None:
    how: dict[str, Any] = {"prompt": prompt, "scheduler": scheduler}
    alone = picture(shipped, **how, refiner_inference_steps=0)
    together = picture(shipped, **how, refiner_inference_steps=25, high_noise_frac=0.8)
    assert NO_NOISE_ADDED < psnr(alone, together) < np.inf
    seen = look_at(together)
    assert (seen.colour, seen.background) == (colour, background)
