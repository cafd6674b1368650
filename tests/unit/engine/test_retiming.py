"""Films resampled in time: as many frames as asked for, the model's own among them."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from gpu_worker.engine.retiming import retimed
from gpu_worker.ports import Pixels


def grey(value: int) -> Pixels:
    return np.full((2, 3, 3), value, np.uint8)


def values(drawn: int, asked: int) -> list[int]:
    """The greys of a film that brightens by 10 a frame, resampled."""
    frames = (grey(10 * number) for number in range(drawn))
    resampled = list(retimed(frames, drawn, asked))
    assert all(frame.dtype == np.uint8 for frame in resampled)
    return [int(frame[0, 0, 0]) for frame in resampled]


@pytest.mark.parametrize("asked", [17, 21, 25, 33, 49, 77, 81])
def test_a_film_keeps_its_ends_and_its_speed(asked: int) -> None:
    greys = values(17, asked)
    assert len(greys) == asked
    assert (greys[0], greys[-1]) == (0, 160)
    exact = [160 * number / (asked - 1) for number in range(asked)]
    assert all(abs(grey - true) <= 0.5 for grey, true in zip(greys, exact, strict=True))


def test_the_model_s_own_frames_come_through_unchanged() -> None:
    assert values(17, 81)[::5] == [10 * number for number in range(17)]
    assert values(17, 17) == [10 * number for number in range(17)]


def test_a_film_can_be_made_shorter() -> None:
    assert values(17, 9) == [20 * number for number in range(9)]
    assert values(17, 5) == [0, 40, 80, 120, 160]


def test_a_frame_between_two_is_their_mixture() -> None:
    assert values(2, 5) == [0, 2, 5, 8, 10]  # 2.5 and 7.5 to the nearest even


def test_frames_are_taken_only_when_they_are_needed() -> None:
    taken = []

    def frames() -> Iterator[Pixels]:
        for number in range(17):
            taken.append(number)
            yield grey(number)

    film = retimed(frames(), 17, 81)
    counts = [len(taken) for _ in film]
    assert counts[0] == 2
    assert all(later - sooner <= 1 for sooner, later in pairwise(counts))
    assert counts[:5] == [2] * 5
