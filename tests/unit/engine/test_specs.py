"""The table of models and the decisions taken on it."""

import re

import numpy as np
import pytest

from gpu_worker.engine.sizes import decide_sizes, nearest
from gpu_worker.engine.specs import (
    FILM_SPECS,
    INDEX_FILE,
    PICTURE_SPECS,
    SDXL,
    SHAPES,
    SHAPES_FILM,
    FilmSpec,
    FolderSource,
    HubSource,
    ModelSpec,
    PictureSpec,
    Size,
    find_film_spec,
    find_picture_spec,
)
from gpu_worker.ports import Pixels
from shared.errors import GenerationError
from shared.request import TaskType

ALL_SPECS: dict[str, ModelSpec] = {**PICTURE_SPECS, **FILM_SPECS}


@pytest.mark.parametrize("spec", PICTURE_SPECS.values(), ids=PICTURE_SPECS)
def test_every_model_can_be_found_and_draws_its_default_size(spec: PictureSpec) -> None:
    assert find_picture_spec(spec.name) is spec
    assert spec.default_size in spec.native_sizes
    assert spec.tasks
    assert all(side % 8 == 0 for size in spec.native_sizes for side in size)


@pytest.mark.parametrize("spec", FILM_SPECS.values(), ids=FILM_SPECS)
def test_every_film_model_can_be_found_and_has_sizes_that_wan_can_make(spec: FilmSpec) -> None:
    assert find_film_spec(spec.name) is spec
    assert spec.tasks == (TaskType.TEXT2VIDEO,)
    assert all(side % 16 == 0 for size in spec.native_sizes for side in size)
    assert spec.native_frames is None or spec.native_frames % 4 == 1


@pytest.mark.parametrize("spec", PICTURE_SPECS.values(), ids=PICTURE_SPECS)
def test_every_picture_model_has_a_partner_for_films(spec: PictureSpec) -> None:
    assert find_film_spec(spec.film_partner).name == spec.film_partner


@pytest.mark.parametrize("spec", ALL_SPECS.values(), ids=ALL_SPECS)
def test_every_model_is_pinned_or_lies_here(spec: ModelSpec) -> None:
    more = (spec.fp16_vae, spec.refiner) if isinstance(spec, PictureSpec) else ()
    for source in filter(None, (spec.source, *more)):
        match source:
            case HubSource():
                assert re.fullmatch(r"[0-9a-f]{40}", source.revision)
            case FolderSource():
                assert (source.folder / INDEX_FILE).is_file()


@pytest.mark.parametrize(("spec", "bytes_"), [(SHAPES, 12e6), (SHAPES_FILM, 8e6)])
def test_the_embedded_checkpoints_are_small_and_free_of_pickle(
    spec: ModelSpec, bytes_: float
) -> None:
    assert isinstance(spec.source, FolderSource)
    files = [file for file in spec.source.folder.rglob("*") if file.is_file()]
    assert {file.suffix for file in files} == {".json", ".safetensors"}
    assert sum(file.stat().st_size for file in files) < bytes_


def test_an_unknown_model_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(GenerationError, match=r"'dalle'.*shapes, sdxl"):
        find_picture_spec("dalle")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((1024, 1024), (128, 128)),
        ((1024, 896), (128, 128)),
        ((1216, 832), (192, 128)),
        ((832, 1216), (128, 192)),
        ((2048, 64), (192, 128)),
        ((64, 2048), (128, 192)),
    ],
)
def test_the_nearest_shape_is_drawn(asked: Size, expected: Size) -> None:
    assert nearest(asked, SHAPES.native_sizes) == expected


def test_a_model_that_draws_any_size_is_left_to_it() -> None:
    sizes = decide_sizes(SDXL, 1000, 600)
    assert sizes.drawn == sizes.asked == (1000, 600)


def test_a_side_that_is_not_given_is_the_models_own() -> None:
    assert decide_sizes(SDXL, None, None).asked == (1024, 1024)
    assert decide_sizes(SDXL, 768, None).asked == (768, 1024)
    assert decide_sizes(SHAPES, None, 512).asked == (128, 512)


def sized(width: int, height: int) -> Pixels:
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("own", "asked"),
    [
        ((1024, 1024), (1024, 1024)),
        ((1000, 1100), (1000, 1104)),
        ((4000, 3000), (1320, 992)),  # a photo is drawn at about a million pixels
        ((100, 100), (768, 768)),  # SDXL draws nothing of use at 100
        ((3000, 300), (2048, 208)),  # no side above the contract's
    ],
)
def test_an_image_s_own_size_is_fitted_to_what_the_model_draws_well(own: Size, asked: Size) -> None:
    sizes = decide_sizes(SDXL, None, None, sized(*own))
    assert sizes.drawn == sizes.asked == asked


def test_one_side_given_keeps_the_image_s_proportions() -> None:
    assert decide_sizes(SDXL, 1024, None, sized(400, 200)).asked == (1024, 512)
    assert decide_sizes(SDXL, None, 1024, sized(400, 200)).asked == (2048, 1024)


def test_both_sides_given_rule_over_the_image() -> None:
    assert decide_sizes(SHAPES, 256, 384, sized(400, 200)).asked == (256, 384)


def test_the_embedded_model_hands_an_image_s_own_size_over() -> None:
    sizes = decide_sizes(SHAPES, None, None, sized(640, 426))
    assert (sizes.asked, sizes.drawn) == ((640, 424), (192, 128))
