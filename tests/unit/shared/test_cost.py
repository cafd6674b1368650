"""What requests cost: the documented table, and that more of anything never costs less."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.charge import MAX_CREDITS
from shared.cost import credits_of
from shared.parse import parse_request
from shared.request import MAX_IMAGES, VIDEO_SIZES
from shared.usage import DAILY_CREDITS

PAGE = Path(__file__).resolve().parents[3] / "docs/architecture/14-quotas.md"
IMAGE = {"image_url": "https://a/b.png"}
FILM: dict[str, Any] = {"task_type": "text2video", "prompt": "x"}
#: As the documentation has it, by the words there.
TABLE: dict[str, tuple[dict[str, Any], int]] = {
    "a picture, nothing but a prompt": ({"prompt": "x"}, 10),
    "the same, 512 × 512": ({"prompt": "x", "width": 512, "height": 512}, 3),
    "the same without the refiner": ({"prompt": "x", "refiner_inference_steps": 0}, 7),
    "two pictures": ({"prompt": "x", "num_images": 2}, 20),
    "an image made anew (`img2img`), strength 0.3": (IMAGE, 2),
    "a film, nothing but a prompt": (FILM, 258),
    "the same, 33 frames": ({**FILM, "num_frames": 33}, 105),
    "the same, 1280 × 720, 50 steps": (
        {**FILM, "video_width": 1280, "video_height": 720, "num_inference_steps": 50},
        1187,
    ),
}


def cost(given: dict[str, Any]) -> int:
    return credits_of(parse_request(given, max_images=MAX_IMAGES))


@pytest.mark.parametrize(("given", "credits_"), TABLE.values(), ids=TABLE)
def test_a_request_costs_what_the_table_says(given: dict[str, Any], credits_: int) -> None:
    assert cost(given) == credits_


def test_the_documented_table_is_this_one() -> None:
    rows = re.findall(r"^\| ([^|]+?) \| (\d+) \|$", PAGE.read_text(), re.MULTILINE)
    assert {words: int(amount) for words, amount in rows} == {
        words: amount for words, (_, amount) in TABLE.items()
    }


def test_a_size_that_is_not_said_counts_as_the_model_s_and_one_side_as_with_the_other() -> None:
    assert cost({"prompt": "x"}) == cost({"prompt": "x", "width": 1024, "height": 1024})
    assert cost({"prompt": "x", "width": 512}) == cost(
        {"prompt": "x", "width": 512, "height": 1024}
    )


def test_the_least_there_is_costs_one() -> None:
    assert cost({**IMAGE, "strength": 0, "width": 64, "height": 64}) == 1


def test_a_solver_that_asks_the_model_twice_a_step_costs_twice_as_much() -> None:
    assert cost({"prompt": "x", "scheduler": "Heun"}) == 2 * cost({"prompt": "x"})


def test_a_hand_over_to_the_refiner_counts_each_model_s_own_part() -> None:
    shared = {"prompt": "x", "num_inference_steps": 40, "refiner_inference_steps": 40}
    assert cost({**shared, "high_noise_frac": 0.8}) == 10


def test_frames_are_counted_as_they_are_drawn() -> None:
    assert cost({**FILM, "num_frames": 80}) == cost(FILM)
    assert cost({**FILM, "num_frames": 77}) < cost(FILM)


def test_nothing_that_can_be_asked_for_costs_more_than_a_day_has() -> None:
    film = {"video_width": 1280, "video_height": 720, "num_inference_steps": 150}
    pictures = {
        "prompt": "x", "width": 2048, "height": 2048, "num_images": MAX_IMAGES, "strength": 1,
        "num_inference_steps": 150, "refiner_inference_steps": 150, "scheduler": "Heun",
    }  # fmt: skip
    assert cost({**FILM, **film}) <= DAILY_CREDITS
    assert cost(pictures) <= DAILY_CREDITS


SIDES = st.integers(8, 256).map(lambda it: it * 8)
PICTURES = st.fixed_dictionaries(
    {"prompt": st.just("x")},
    optional={
        "width": SIDES,
        "height": SIDES,
        "num_inference_steps": st.integers(1, 149),
        # From none to one the refiner takes the base's last steps over, and there are fewer.
        "refiner_inference_steps": st.integers(1, 149),
        "strength": st.floats(0, 1),
        "num_images": st.integers(1, MAX_IMAGES - 1),
        "high_noise_frac": st.floats(0.001, 0.999),
        "image_url": st.just("https://a/b.png"),
    },
)
MORE = ("num_inference_steps", "refiner_inference_steps", "num_images")


@given(PICTURES, st.sampled_from(MORE))
def test_more_steps_or_pictures_never_cost_less(given: dict[str, Any], what: str) -> None:
    fewer = {"num_inference_steps": 25, "refiner_inference_steps": 50, "num_images": 1, **given}
    assert 1 <= cost(fewer) <= cost({**fewer, what: fewer[what] + 1}) <= MAX_CREDITS


@given(st.integers(16, 80), st.integers(1, 149), st.sampled_from(VIDEO_SIZES))
def test_more_frames_or_steps_never_cost_less(
    frames: int, steps: int, size: tuple[int, int]
) -> None:
    width, height = size
    film = {**FILM, "video_width": width, "video_height": height}
    less = cost({**film, "num_frames": frames, "num_inference_steps": steps})
    assert 1 <= less <= cost({**film, "num_frames": frames + 1, "num_inference_steps": steps})
    assert less <= cost({**film, "num_frames": frames, "num_inference_steps": steps + 1})
