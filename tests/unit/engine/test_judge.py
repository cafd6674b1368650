"""The judge of pictures, judged on pictures whose content is known."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gpu_worker.ports import Pixels
from tests.unit.engine.judge import COLOURS, look_at, share_of


def painted(shape: str, colour: str, background: str) -> Pixels:
    image = Image.new("RGB", (128, 128), COLOURS[background])
    draw = ImageDraw.Draw(image)
    box = (32, 32, 95, 95)
    if shape == "circle":
        draw.ellipse(box, COLOURS[colour])
    elif shape == "square":
        draw.rectangle(box, COLOURS[colour])
    else:
        draw.polygon(((63, 32), (95, 95), (32, 95)), COLOURS[colour])
    return np.asarray(image)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("background", COLOURS)
def test_both_colours_are_read(colour: str, background: str) -> None:
    if colour == background:
        with pytest.raises(AssertionError, match="all background"):
            look_at(painted("circle", colour, background))
        return
    seen = look_at(painted("circle", colour, background))
    assert (seen.background, seen.colour) == (background, colour)


def test_circle_square_and_triangle_differ_in_roundness() -> None:
    roundness = {
        shape: look_at(painted(shape, "red", "blue")).roundness
        for shape in ("circle", "square", "triangle")
    }
    assert roundness["circle"] == pytest.approx(1.0, abs=0.1)
    assert roundness["square"] == pytest.approx(1.27, abs=0.1)
    assert roundness["triangle"] == pytest.approx(0.7, abs=0.1)


def test_the_share_of_a_colour_is_its_area() -> None:
    picture = painted("square", "red", "blue")
    assert share_of("red", picture) == pytest.approx(0.25, abs=0.01)
    assert share_of("green", picture) == 0
