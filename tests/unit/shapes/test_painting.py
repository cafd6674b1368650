"""Painted pictures against geometry: areas, straight edges, roundness, smooth borders."""

import math
from random import Random

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tools.shapes.latents import draw_scenes
from tools.shapes.names import COLOURS, PALETTE, SHAPES, Colour, Shape
from tools.shapes.outlines import CROSS_ARM, RING_HOLE, corners
from tools.shapes.painting import paint
from tools.shapes.sampling import arrange
from tools.shapes.scene import Arrangement, Finish, Scene, Thing

RADIUS = 40.0


def one(shape: Shape, finish: Finish = Finish.PLAIN, x: float = 64.0, y: float = 64.0) -> Scene:
    return Scene(
        size=(128, 128),
        background=Colour.BLACK,
        things=(Thing(shape=shape, colour=Colour.WHITE, x=x, y=y, radius=RADIUS),),
        arrangement=Arrangement.ALONE,
        finish=finish,
    )


def cover(scene: Scene) -> NDArray[np.float64]:
    """How much of each pixel the thing covers, read off the red channel: (height, width) of 0…1."""
    red = (paint([scene])[0, 0].double().numpy() + 1) / 2 * 255
    low, high = PALETTE[Colour.BLACK][0], PALETTE[Colour.WHITE][0]
    return np.asarray((red - low) / (high - low))


def polygon_area(shape: Shape) -> float:
    around = corners(shape)
    return 0.5 * abs(
        sum(
            x0 * y1 - x1 * y0
            for (x0, y0), (x1, y1) in zip(around, around[1:] + around[:1], strict=True)
        )
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_the_painted_area_is_the_outlines_area(shape: Shape) -> None:
    expected = {
        Shape.CIRCLE: math.pi,
        Shape.RING: math.pi * (1 - RING_HOLE**2),
        Shape.CROSS: 4 * (2 * CROSS_ARM - CROSS_ARM**2),
    }.get(shape) or polygon_area(shape)
    assert cover(one(shape)).sum() == pytest.approx(expected * RADIUS**2, rel=0.005)


def test_a_square_has_straight_edges() -> None:
    rows = cover(one(Shape.SQUARE))
    middle = rows[40:88]
    assert np.abs(middle - middle[0]).max() < 1e-3


def test_a_circle_is_as_far_from_its_centre_in_all_directions() -> None:
    painted = cover(one(Shape.CIRCLE))
    for turn in np.linspace(0, 2 * math.pi, 24, endpoint=False):
        # The sum of the cover along a ray from the centre is the distance to the edge.
        along = np.arange(0, 60, 0.25)
        rows = (64 + along * math.sin(turn)).astype(int)
        columns = (64 + along * math.cos(turn)).astype(int)
        assert painted[rows, columns].sum() * 0.25 == pytest.approx(RADIUS, abs=0.6)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_its_own_mirror_image(shape: Shape) -> None:
    painted = cover(one(shape))
    assert np.abs(painted - painted[:, ::-1]).max() < 0.02


def test_edges_are_smooth_and_move_by_parts_of_a_pixel() -> None:
    still, moved = cover(one(Shape.SQUARE)), cover(one(Shape.SQUARE, x=64.5))
    assert ((still > 0.05) & (still < 0.95)).any()
    centres = [(it * (np.arange(128) + 0.5)).sum() / it.sum() for it in (still, moved)]
    assert centres[1] - centres[0] == pytest.approx(0.5, abs=0.01)


def test_background_and_thing_have_the_palettes_colours() -> None:
    for colour in COLOURS:
        background = COLOURS[(COLOURS.index(colour) + 3) % len(COLOURS)]
        scene = arrange(
            Random(0),
            size=(128, 128),
            background=background,
            kinds=((Shape.CIRCLE, colour),),
            arrangement=Arrangement.ALONE,
        )
        picture = (paint([scene])[0] + 1) * 127.5
        assert torch.allclose(
            picture[:, 2, 2], torch.tensor(PALETTE[background]).float(), atol=0.01
        )
        assert torch.allclose(picture[:, 64, 64], torch.tensor(PALETTE[colour]).float(), atol=0.01)


@pytest.mark.parametrize("finish", [Finish.SHADED, Finish.SHADOW, Finish.BLURRED])
def test_every_finish_changes_the_picture(finish: Finish) -> None:
    scene = one(Shape.STAR, finish)
    light = Scene(
        size=scene.size,
        background=Colour.CYAN,
        things=scene.things,
        arrangement=scene.arrangement,
        finish=finish,
    )
    plain = Scene(
        size=scene.size,
        background=Colour.CYAN,
        things=scene.things,
        arrangement=scene.arrangement,
    )
    assert (paint([light]) - paint([plain])).abs().mean() > 0.005


def test_a_batch_is_painted_as_its_scenes_are_alone() -> None:
    scenes = draw_scenes((192, 128), 12, 2)
    together = paint(scenes)
    assert together.shape == (12, 3, 128, 192)
    for scene, picture in zip(scenes, together, strict=True):
        assert torch.allclose(paint([scene])[0], picture, atol=1e-6)


def test_scenes_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one size"):
        paint([*draw_scenes((128, 128), 1, 0), *draw_scenes((192, 128), 1, 0)])
