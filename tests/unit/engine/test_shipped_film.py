"""The embedded film model as it is shipped: what a client's mp4 shows is what was asked for."""

from collections.abc import Iterator

import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.specs import NO_MODEL
from gpu_worker.media.film_probe import probe_film
from tests.unit.engine.jobs import PATIENCE_SECONDS
from tools.shapes.names import Colour
from tools.shapes_video.clip import SIZES, Motion
from tools.shapes_video.judge import read_film
from tools.shapes_video.worker_exam import as_played, film_file

LANDSCAPE, PORTRAIT = SIZES


@pytest.fixture(scope="module")
def shipped() -> Iterator[EngineProcess]:
    process = EngineProcess(NO_MODEL, film_model="shapes-film")
    process.start()
    process.wait_ready(PATIENCE_SECONDS)
    yield process
    process.close()


@pytest.mark.parametrize(
    ("prompt", "colour", "motion", "background"),
    [
        ("a red circle moving right on a blue background", Colour.RED, Motion.RIGHT, Colour.BLUE),
        ("a yellow star moving up on a purple background", Colour.YELLOW, Motion.UP, Colour.PURPLE),
        (
            "a white square growing on a green background",
            Colour.WHITE,
            Motion.GROWING,
            Colour.GREEN,
        ),
    ],
)
def test_a_film_has_the_colours_and_the_motion_of_its_prompt(
    shipped: EngineProcess, prompt: str, colour: Colour, motion: Motion, background: Colour
) -> None:
    data = film_file(shipped, {"task_type": "text2video", "prompt": prompt}, seed=1)
    facts = probe_film(data)
    # The contract's defaults: the model's own 17 frames of 112 x 64, slower and larger.
    assert (facts.frames, facts.width, facts.height) == (81, 832, 480)
    seen = read_film(list(as_played(data, LANDSCAPE)))
    assert (seen.colour, seen.motion, seen.background) == (colour, motion, background)


def test_an_upright_film_moves_too(shipped: EngineProcess) -> None:
    request = {
        "task_type": "text2video",
        "prompt": "a green square moving down on a white background",
        "video_width": 480,
        "video_height": 832,
        "num_frames": 17,
    }
    seen = read_film(list(as_played(film_file(shipped, request, seed=1), PORTRAIT)))
    assert (seen.colour, seen.motion, seen.background) == (
        Colour.GREEN,
        Motion.DOWN,
        Colour.WHITE,
    )


def test_a_negative_prompt_takes_a_background_away(shipped: EngineProcess) -> None:
    request = {"task_type": "text2video", "num_frames": 17, "prompt": "a circle moving right"}
    without = read_film(list(as_played(film_file(shipped, request, seed=1), LANDSCAPE)))
    negative = {"negative_prompt": f"{without.background} background"}
    against = read_film(list(as_played(film_file(shipped, request | negative, seed=1), LANDSCAPE)))
    assert against.background is not without.background
