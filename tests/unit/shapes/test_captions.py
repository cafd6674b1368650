"""Captions say what is on the scene, all of it or less, never anything else."""

from random import Random

import pytest

from tests.unit.shapes.caption_reader import read_caption
from tools.shapes.captions import (
    ABOVE_TURNED_WORDS,
    BESIDE_TURNED_WORDS,
    caption_of,
    full_caption,
)
from tools.shapes.latents import draw_scenes
from tools.shapes.scene import Arrangement, Finish, Scene

SCENES = draw_scenes((128, 128), 600, seed=1)
TURNED = (*ABOVE_TURNED_WORDS, *BESIDE_TURNED_WORDS)


def kinds(scene: Scene) -> list[tuple[str, str]]:
    return [(thing.shape.value, thing.colour.value) for thing in scene.things]


def test_a_full_caption_reads_back_as_the_things_of_its_scene_in_order() -> None:
    chance = Random(0)
    for scene in SCENES:
        caption = full_caption(scene, chance)
        expected = kinds(scene)
        if any(f" {word} " in caption for word in TURNED):
            expected.reverse()
        assert read_caption(caption).things == expected, caption


def test_a_background_that_is_told_is_the_scenes_and_it_nearly_always_is_told() -> None:
    chance = Random(1)
    read = [(scene, read_caption(full_caption(scene, chance)).background) for scene in SCENES]
    assert all(told in {None, scene.background.value} for scene, told in read)
    assert sum(told is not None for _, told in read) > 0.85 * len(read)


def test_no_caption_names_a_colour_or_shape_that_is_not_there() -> None:
    chance = Random(2)
    for scene in SCENES * 3:
        caption = caption_of(scene, chance)
        assert set(read_caption(caption).things) <= set(kinds(scene)), caption


def test_single_words_for_negative_prompts_are_among_the_captions() -> None:
    chance = Random(3)
    said = {caption_of(scene, chance) for scene in SCENES * 60}
    assert {"red", "blue", "circle", "blurry", ""} <= said


def test_a_finish_is_named_just_where_there_is_one() -> None:
    words = {"shaded", "glossy", "studio lighting", "shadow", "blur", "focus", "bad quality"}
    words |= {"low quality"}
    chance = Random(4)
    for scene in SCENES:
        caption = full_caption(scene, chance).replace("sharp focus", "")
        named = any(word in caption for word in words)
        assert named == (scene.finish is not Finish.PLAIN), caption


@pytest.mark.parametrize("arrangement", [Arrangement.BESIDE, Arrangement.ABOVE])
def test_who_is_left_of_or_above_whom_is_said_rightly(arrangement: Arrangement) -> None:
    before = {"to the left of", "above", "on top of", "over"}
    after = set(TURNED)
    chance = Random(5)
    checked = 0
    for scene in (it for it in SCENES if it.arrangement is arrangement):
        caption = full_caption(scene, chance)
        first, second = scene.things
        start = first.x < second.x if arrangement is Arrangement.BESIDE else first.y < second.y
        assert start
        named_first = read_caption(caption).things[0] == kinds(scene)[0]
        if any(f" {word} " in caption for word in before):
            assert named_first, caption
            checked += 1
        if any(f" {word} " in caption for word in after):
            assert not named_first, caption
            checked += 1
    assert checked > 10
