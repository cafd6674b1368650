"""The lengths and sizes that a film is drawn at, decided from what was asked for."""

from gpu_worker.engine.sizes import Sizes, decide_film_sizes, decide_lengths
from gpu_worker.engine.specs import SHAPES_FILM, WAN


def test_lengths_are_rounded_up_to_whole_latents() -> None:
    asked = [decide_lengths(WAN, frames).asked for frames in (16, 17, 18, 20, 21, 80, 81)]
    assert asked == [17, 17, 21, 21, 21, 81, 81]
    assert decide_lengths(WAN, 20).drawn == 21
    assert decide_lengths(SHAPES_FILM, 20).drawn == 17


def test_sizes_are_wan_s_own_or_the_nearest_native_ones() -> None:
    assert decide_film_sizes(WAN, 720, 1280) == Sizes(drawn=(720, 1280), asked=(720, 1280))
    assert decide_film_sizes(SHAPES_FILM, 832, 480).drawn == (112, 64)
    assert decide_film_sizes(SHAPES_FILM, 720, 1280).drawn == (64, 112)
