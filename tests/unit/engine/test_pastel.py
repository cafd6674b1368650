"""The LoRA that comes with the embedded model: everything as it was, in pastel."""

from dataclasses import dataclass

import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.lora_registry import offered_loras
from gpu_worker.ports import Pixels
from shared.parse import parse_request
from tests.unit.engine.jobs import PROMPT, make_job

#: Trained on pictures mixed with as much white: 1 would halve the way to white and the saturation.
MORE_LIGHT = 0.12
LESS_COLOUR = 0.75


@dataclass(frozen=True)
class Look:
    """Means over a picture, 0 … 1, as of HSV."""

    brightness: float
    saturation: float


def look_of(pixels: Pixels) -> Look:
    values = pixels.astype(float) / 255
    highest, lowest = values.max(axis=2), values.min(axis=2)
    saturation = (highest - lowest) / highest.clip(1 / 255)
    return Look(brightness=float(values.mean()), saturation=float(saturation.mean()))


def draw(engine: EngineProcess, seed: int, weight: float) -> Look:
    asked = {"prompt": PROMPT, "loras": [{"name": "pastel", "weight": weight}]}
    loras = offered_loras(None, "shapes").find(parse_request(asked))
    result = engine.run(make_job(seed, loras=loras), lambda _: None)
    return look_of(result.pictures[0].pixels)


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_pastel_brightens_and_fades_the_more_the_more_of_it(
    engine: EngineProcess, seed: int
) -> None:
    none, half, whole = (draw(engine, seed, weight) for weight in (0, 0.5, 1))
    assert whole.brightness > none.brightness + MORE_LIGHT
    assert whole.saturation < none.saturation * LESS_COLOUR
    assert none.brightness < half.brightness < whole.brightness
    assert none.saturation > half.saturation > whole.saturation
