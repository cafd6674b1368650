"""One text read alone is what the published pipeline reads of it, to the bit."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from diffusers.pipelines.pipeline_utils import DiffusionPipeline

from gpu_worker.engine import stages
from gpu_worker.engine.device import choose_device
from gpu_worker.engine.loading import QUIET, load_pipelines
from gpu_worker.engine.pipelines import Pipelines
from gpu_worker.engine.specs import SHAPES
from gpu_worker.engine.text_cache import forget
from gpu_worker.engine.text_reading import read_text
from shared.parse import parse_request
from shared.request import ImageRequest

TEXTS = ("a red circle", "", " ", "a star" + ", highly detailed" * 60)


@pytest.fixture(scope="module")
def pipelines() -> Pipelines:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**QUIET, "HF_HUB_OFFLINE": "1"}.items():
            patch.setenv(name, value)
        torch.set_num_threads(1)
        loaded: Pipelines = load_pipelines(SHAPES, SHAPES.source, choose_device())
        return loaded


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@pytest.mark.parametrize("negative", [*TEXTS, None])
@pytest.mark.parametrize("refiner", [False, True])
@pytest.mark.parametrize("count", [1, 2])
def test_embeddings_are_the_published_pipelines_to_the_bit(
    pipelines: Pipelines, negative: str | None, count: int, *, refiner: bool
) -> None:
    pipeline: Any = pipelines.refiner if refiner else pipelines.text2img
    for prompt in ("a blue square", TEXTS[-1]):
        request = parse_request(
            {"prompt": prompt, "negative_prompt": negative, "num_images": count}
        )
        assert isinstance(request, ImageRequest)
        ours = stages.encode(pipeline, request)
        published = pipeline.encode_prompt(
            prompt, negative_prompt=negative or None, num_images_per_prompt=count
        )
        names = ("prompt", "negative_prompt", "pooled", "negative_pooled")
        for name, tensor in zip(names, published, strict=True):
            assert torch.equal(getattr(ours, name), tensor), name


def test_all_pipelines_are_where_their_modules_are(pipelines: Pipelines) -> None:
    for name in ("text2img", "img2img", "inpaint", "refiner"):
        pipeline = getattr(pipelines, name)
        looked_for: Any = DiffusionPipeline._execution_device
        assert pipeline._execution_device == looked_for.fget(pipeline)


def test_a_text_that_just_fits_is_not_cut_and_one_of_a_token_more_is(pipelines: Pipelines) -> None:
    length = int(pipelines.text2img.tokenizer.model_max_length)
    # Two of them are the marks of beginning and end.
    fits = " ".join(["circle"] * (length - 2))
    for pipeline in (pipelines.text2img, pipelines.refiner):
        cut = [
            read_text(pipeline, text, forget).truncated for text in ("circle", fits, fits + " red")
        ]
        assert cut == [False, False, True]
