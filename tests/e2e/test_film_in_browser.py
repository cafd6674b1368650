"""A film plays in a real browser, moves there, and has the colours that were drawn."""

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Error, Page

from tests.e2e.browser import open_browser, play
from tests.unit.media.films import moving, write_film

SIZE = (128, 96)
COLOURS = [(230, 40, 40), (42, 88, 218), (128, 128, 128), (240, 240, 240), (20, 160, 60)]
FIELD = 32
#: Levels of 255: the browser converts in a coarse way. A film taken for BT.601 is 19 off.
NEAR = 10


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        yield context.new_page()


def frame_of(shown: dict[str, Any], which: str) -> NDArray[np.int_]:
    width, height = shown["size"]
    pixels = np.frombuffer(base64.b64decode(shown[which]), np.uint8)
    return pixels.reshape(height, width, 4)[..., :3].astype(int)


def centre_of_red(frame: NDArray[np.int_]) -> float:
    """As a share of the width."""
    red = frame[..., 0] - frame[..., 2] > 60
    return float(np.nonzero(red)[1].mean() / frame.shape[1])


def test_a_film_plays_to_its_end_and_what_moves_right_moves_right(page: Page) -> None:
    film, _ = write_film(moving(17, SIZE), fps=15)
    shown = play(page, film)
    assert tuple(shown["size"]) == SIZE
    assert shown["duration"] == pytest.approx(17 / 15, abs=0.01)
    first, last = frame_of(shown, "first"), frame_of(shown, "last")
    assert centre_of_red(first) == pytest.approx(0.09, abs=0.03)
    assert centre_of_red(last) == pytest.approx(0.56, abs=0.05)


def test_the_browser_shows_the_colours_that_were_drawn(page: Page) -> None:
    row = np.repeat(np.array(COLOURS, np.uint8), FIELD, axis=0)
    film, _ = write_film(iter([np.tile(row, (5, 2 * FIELD, 1, 1))]))
    seen = frame_of(play(page, film), "first")[FIELD, FIELD // 2 :: FIELD]
    assert np.abs(seen - np.array(COLOURS)).max() <= NEAR, seen


def test_a_file_cut_short_is_seen_not_to_play(page: Page) -> None:
    film, _ = write_film(moving(17, SIZE))
    with pytest.raises(Error, match="no supported source"):
        play(page, film[:200])
