"""What a player shows is what the model drew: the conversion to YUV and the file's tags agree."""

from pathlib import Path

import numpy as np
import pytest

from gpu_worker.media.film_codec import FilmCodec, FilmOptions
from tests.unit.media.films import decoded, write_film

#: Corners of the cube, greys, and colours between, where BT.601 and BT.709 differ most.
COLOURS = [
    *((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255)),
    *((0, 0, 0), (255, 255, 255), (128, 128, 128), (16, 16, 16), (42, 88, 218), (230, 120, 40)),
]
#: Levels of 255: 8 bits of limited range hold 220 steps of grey.
NEAR = 3
FIELD = 32


def fields() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    row = np.repeat(np.array(COLOURS, np.uint8), FIELD, axis=0)
    return np.tile(row, (5, 2 * FIELD, 1, 1))


@pytest.mark.parametrize("codec", FilmCodec)
def test_colours_are_within_a_few_levels_of_those_drawn(tmp_path: Path, codec: FilmCodec) -> None:
    frames = fields()
    data, _ = write_film(iter([frames]), options=FilmOptions(codec=codec))
    seen = decoded(data, (frames.shape[2], frames.shape[1]), tmp_path)
    middle = seen[2, FIELD, FIELD // 2 :: FIELD].astype(int)
    assert np.abs(middle - np.array(COLOURS)).max() <= NEAR, middle


def test_the_tags_are_what_makes_it_so(tmp_path: Path) -> None:
    """A player that took the file for BT.601 would show other colours: the test can tell."""
    frames = fields()
    data, _ = write_film(iter([frames]))
    # `colr`, `nclx`, then primaries, transfer and matrix, 2 bytes each.
    at = data.index(b"colrnclx") + 8
    assert data[at : at + 6] == bytes([0, 1, 0, 1, 0, 1])
    assert data[at + 6] & 0x80 == 0, "limited range"
