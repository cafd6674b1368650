"""The table of models and the decisions taken on it."""

import re

import pytest

from gpu_worker.engine.loading import INDEX_FILE
from gpu_worker.engine.sizes import decide_sizes, nearest
from gpu_worker.engine.specs import (
    MODEL_SPECS,
    SDXL,
    SHAPES,
    FolderSource,
    HubSource,
    ModelSpec,
    Size,
    find_spec,
)
from shared.errors import GenerationError


@pytest.mark.parametrize("spec", MODEL_SPECS.values(), ids=MODEL_SPECS)
def test_every_model_can_be_found_and_draws_its_default_size(spec: ModelSpec) -> None:
    assert find_spec(spec.name) is spec
    assert spec.default_size in spec.native_sizes
    assert spec.tasks
    assert all(side % 8 == 0 for size in spec.native_sizes for side in size)


@pytest.mark.parametrize("spec", MODEL_SPECS.values(), ids=MODEL_SPECS)
def test_every_model_is_pinned_or_lies_here(spec: ModelSpec) -> None:
    for source in filter(None, (spec.source, spec.fp16_vae)):
        match source:
            case HubSource():
                assert re.fullmatch(r"[0-9a-f]{40}", source.revision)
            case FolderSource():
                assert (source.folder / INDEX_FILE).is_file()


def test_the_embedded_checkpoint_is_small_and_free_of_pickle() -> None:
    assert isinstance(SHAPES.source, FolderSource)
    files = [file for file in SHAPES.source.folder.rglob("*") if file.is_file()]
    assert {file.suffix for file in files} == {".json", ".safetensors"}
    assert sum(file.stat().st_size for file in files) < 12e6


def test_an_unknown_model_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(GenerationError, match=r"'dalle'.*shapes, sdxl"):
        find_spec("dalle")


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
