"""Clips, captions, how they are painted, and that the judge reads from frames what is there."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from tools.shapes.judge import Pixels
from tools.shapes.names import COLOUR_WORDS, COLOURS, SHAPE_WORDS, SHAPES, Colour, Shape
from tools.shapes.sampling import is_held_out
from tools.shapes_video.captions import MOTION_WORDS, caption_of, full_caption, plain_caption
from tools.shapes_video.clip import FRAMES, ROUND, SIZES, Clip, Motion
from tools.shapes_video.exam import set_exam
from tools.shapes_video.judge import read_film
from tools.shapes_video.painting import paint_clips
from tools.shapes_video.sampling import draw_clip


def frames_of(clip: Clip) -> list[Pixels]:
    painted = ((paint_clips([clip])[0] + 1) * 127.5).round().byte()
    return list(painted.permute(1, 2, 3, 0).numpy())


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    chance = Random(11)
    return [draw_clip(chance, SIZES[index % 2]) for index in range(600)]


def test_the_judge_reads_every_painted_clip_right(clips: list[Clip]) -> None:
    for clip in clips[:60]:
        seen = read_film(frames_of(clip))
        assert (seen.background, seen.colour, seen.shape, seen.motion) == (
            clip.background,
            clip.colour,
            clip.shape,
            clip.motion,
        )


def test_the_judge_reads_each_motion_off_its_frames_and_another_off_them_reversed() -> None:
    turned_round = {
        Motion.RIGHT: Motion.LEFT,
        Motion.UP: Motion.DOWN,
        Motion.GROWING: Motion.SHRINKING,
        Motion.SPINNING: Motion.SPINNING,
        Motion.BOUNCING: Motion.BOUNCING,
        Motion.STILL: Motion.STILL,
    }
    for motion, reversed_motion in turned_round.items():
        clip = Clip(
            size=(112, 64),
            background=Colour.BLUE,
            shape=Shape.TRIANGLE,
            colour=Colour.YELLOW,
            motion=motion,
        )
        frames = frames_of(clip)
        assert read_film(frames).motion is motion
        assert read_film(frames[::-1]).motion is reversed_motion


def test_the_judge_sees_nothing_on_an_empty_film() -> None:
    seen = read_film([np.full((64, 112, 3), (42, 88, 218), np.uint8)] * FRAMES)
    assert (seen.background, seen.colour, seen.motion) == (Colour.BLUE, None, None)


def test_clips_are_free_of_held_out_combinations_and_know_all_else(clips: list[Clip]) -> None:
    assert not any(is_held_out(it.shape, it.colour, it.background) for it in clips)
    assert {it.shape for it in clips} == set(SHAPES)
    assert {it.colour for it in clips} == {it.background for it in clips} == set(COLOURS)
    assert {it.motion for it in clips} == set(Motion)
    assert not any(it.motion is Motion.SPINNING and it.shape in ROUND for it in clips)


def test_the_exam_asks_for_held_out_combinations_only_and_in_both_formats() -> None:
    questions = set_exam(40)
    assert all(is_held_out(it.clip.shape, it.clip.colour, it.clip.background) for it in questions)
    assert {it.clip.size for it in questions} == set(SIZES)
    assert questions == set_exam(40)


def test_a_full_caption_names_colour_shape_and_motion(clips: list[Clip]) -> None:
    chance = Random(1)
    for clip in clips:
        for caption in (full_caption(clip, chance), plain_caption(clip)):
            assert any(word in caption for word in COLOUR_WORDS[clip.colour])
            assert any(word in caption for word in SHAPE_WORDS[clip.shape])
            assert any(word in caption for word in MOTION_WORDS[clip.motion])


def test_a_caption_names_no_other_motion(clips: list[Clip]) -> None:
    chance = Random(2)
    # "still" stands in "standing still" too, and "moving up" in "moving upwards".
    for clip in clips:
        words = f" {caption_of(clip, chance).lower()} ".replace(",", " ")
        for motion in Motion:
            if motion is not clip.motion:
                assert f" {MOTION_WORDS[motion][0]} " not in words


@pytest.mark.parametrize("motion", [Motion.RIGHT, Motion.DOWN])
def test_what_moves_goes_the_same_way_in_every_frame(motion: Motion) -> None:
    clip = Clip(
        size=(64, 112),
        background=Colour.WHITE,
        shape=Shape.STAR,
        colour=Colour.RED,
        motion=motion,
    )
    things = [scene.things[0] for scene in clip.scenes()]
    places = [thing.x if motion is Motion.RIGHT else thing.y for thing in things]
    assert all(later > earlier for earlier, later in pairwise(places))
