"""Scenes by chance: repeatable, apart from each other, and free of what is held out."""

import math
from random import Random

import pytest

from tools.shapes.latents import draw_scenes
from tools.shapes.names import COLOURS, SHAPES
from tools.shapes.sampling import draw_scene, held_out
from tools.shapes.scene import Arrangement, Scene, Size

SIZES: list[Size] = [(128, 128), (192, 128), (128, 192)]


def combinations(scene: Scene) -> set[tuple[str, str, str]]:
    return {(thing.shape, thing.colour, scene.background) for thing in scene.things}


def test_held_out_combinations_are_never_drawn_and_all_others_are() -> None:
    seen = set[tuple[str, str, str]]()
    for scene in draw_scenes((128, 128), 12_000, seed=3):
        seen |= combinations(scene)
    kept_back = set(held_out())
    everything = {(s, c, b) for s in SHAPES for c in COLOURS for b in COLOURS if c != b}
    assert seen == everything - kept_back
    assert len(kept_back) > 0.1 * len(everything)


def test_of_what_is_held_out_every_pair_is_seen_in_other_company() -> None:
    seen = {
        combination
        for s in SHAPES
        for c in COLOURS
        for b in COLOURS
        if c != b and (combination := (s, c, b)) not in set(held_out())
    }
    for shape, colour, background in held_out():
        assert any((s, c) == (shape, colour) for s, c, _ in seen)
        assert any((s, b) == (shape, background) for s, _, b in seen)
        assert any((c, b) == (colour, background) for _, c, b in seen)


def test_the_same_seed_gives_the_same_scenes_and_another_seed_others() -> None:
    assert draw_scenes((128, 128), 50, 7) == draw_scenes((128, 128), 50, 7)
    assert draw_scenes((128, 128), 50, 7) != draw_scenes((128, 128), 50, 8)


@pytest.mark.parametrize("size", SIZES)
def test_things_lie_inside_the_picture_and_apart(size: Size) -> None:
    chance = Random(4)
    for scene in (draw_scene(chance, size) for _ in range(2000)):
        for index, thing in enumerate(scene.things):
            assert thing.x - 0.97 * thing.radius > 0
            assert thing.x + 0.97 * thing.radius < size[0]
            assert thing.y - 0.97 * thing.radius > 0
            assert thing.y + 0.97 * thing.radius < size[1]
            for other in scene.things[:index]:
                far = math.hypot(thing.x - other.x, thing.y - other.y)
                assert far > 1.8 * thing.radius


def test_all_arrangements_and_numbers_come_up() -> None:
    scenes = draw_scenes((128, 128), 500, 1)
    assert {it.arrangement for it in scenes} == set(Arrangement)
    assert {len(it.things) for it in scenes} == {1, 2, 3}
