"""The judge against pictures whose content is known: freshly painted, worn, and by Pillow."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw
from torch import Tensor

from tests.unit.shapes.wear import worn
from tools.shapes.exam import Question
from tools.shapes.judge import Pixels, agrees, read_picture
from tools.shapes.latents import draw_scenes
from tools.shapes.marking import mark, shares
from tools.shapes.names import COLOURS, PALETTE, Colour, Shape
from tools.shapes.painting import paint
from tools.shapes.sampling import draw_scene
from tools.shapes.scene import Finish, Scene, Size


def to_pixels(pictures: Tensor) -> list[Pixels]:
    whole = ((pictures + 1) * 127.5).round().byte().permute(0, 2, 3, 1)
    return list(whole.numpy())


def right(scene: Scene, pixels: Pixels) -> bool:
    seen = read_picture(pixels)
    kinds = [(thing.shape, thing.colour) for thing in scene.things]
    return seen.background == scene.background and agrees(seen, kinds)


def share_right(scenes: list[Scene], pictures: Tensor) -> float:
    verdicts = [right(*pair) for pair in zip(scenes, to_pixels(pictures), strict=True)]
    return sum(verdicts) / len(verdicts)


def crisp(count: int, size: Size, seed: int) -> list[Scene]:
    """Scenes of all finishes but the blurred one, which takes away what is to be read."""
    return [
        replace(it, finish=Finish.PLAIN) if it.finish is Finish.BLURRED else it
        for it in draw_scenes(size, count, seed)
    ]


@pytest.mark.parametrize("size", [(128, 128), (192, 128), (128, 192)])
def test_every_painted_picture_is_read_rightly(size: Size) -> None:
    scenes = crisp(100, size, seed=11)
    assert share_right(scenes, paint(scenes)) == 1.0


def test_noise_does_not_mislead_the_judge() -> None:
    scenes = crisp(100, (128, 128), seed=12)
    assert share_right(scenes, worn(paint(scenes), noise=0.06)) == 1.0


def test_wobbling_soft_outlines_hardly_mislead_the_judge() -> None:
    scenes = [replace(it, finish=Finish.PLAIN) for it in crisp(100, (128, 128), seed=13)]
    assert share_right(scenes, worn(paint(scenes), wobble_pixels=1.0, blur=3)) >= 0.99


def test_the_judge_sees_what_is_wrong() -> None:
    chance = Random(14)
    scenes = [draw_scene(chance, (128, 128)) for _ in range(40)]
    pictures = to_pixels(paint(scenes))
    for scene, other in zip(scenes, pictures[1:] + pictures[:1], strict=True):
        first = scene.things[0]
        question = Question(
            prompt="",
            kind="single",
            plain=True,
            background=scene.background,
            things=((first.shape, first.colour),) * 4,
        )
        assert not mark(question, other).right["count"]
        assert not mark(question, other).right["all"]


def test_a_picture_by_pillow_is_read_rightly() -> None:
    for index, colour in enumerate(COLOURS):
        background = COLOURS[(index + 4) % len(COLOURS)]
        image = Image.new("RGB", (128, 128), PALETTE[background])
        pencil = ImageDraw.Draw(image)
        pencil.ellipse((10, 40, 58, 88), PALETTE[colour])
        pencil.rectangle((70, 40, 118, 88), PALETTE[colour])
        seen = read_picture(np.asarray(image))
        assert seen.background == background
        assert [(it.shape, it.colour) for it in seen.things] == [
            (Shape.CIRCLE, colour),
            (Shape.SQUARE, colour),
        ]


def test_an_empty_picture_shows_nothing() -> None:
    seen = read_picture(np.full((128, 128, 3), PALETTE[Colour.RED], np.uint8))
    assert seen.background is Colour.RED
    assert seen.things == ()


def test_marks_tell_the_criteria_apart() -> None:
    scene = draw_scenes((128, 128), 1, 15)[0]
    scene = replace(scene, finish=Finish.PLAIN)
    pixels = to_pixels(paint([scene]))[0]
    kinds = tuple((thing.shape, thing.colour) for thing in scene.things)
    good = Question(prompt="", kind="single", plain=True, background=scene.background, things=kinds)
    elsewhere = next(it for it in COLOURS if it != scene.background)
    bad = replace(good, background=elsewhere)
    assert all(mark(good, pixels).right.values())
    assert mark(bad, pixels).right == {
        "background": False,
        "colour": True,
        "shape": True,
        "count": True,
        "all": False,
    }
    assert shares([mark(good, pixels), mark(bad, pixels)])["background"] == 0.5
