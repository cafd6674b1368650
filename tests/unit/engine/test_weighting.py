"""Embeddings of weighted and long prompts, compared with those of the pipeline itself."""

import copy
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gpu_worker.engine import stages
from gpu_worker.engine.device import choose_device
from gpu_worker.engine.loading import QUIET, load_pipelines
from gpu_worker.engine.prompts import is_truncated
from gpu_worker.engine.specs import SHAPES
from shared.parse import parse_request
from shared.request import ImageRequest

#: More than any text encoder of the family reads at once.
DETAILS = ", highly detailed" * 60


@pytest.fixture(scope="module")
def pipeline() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**QUIET, "HF_HUB_OFFLINE": "1"}.items():
            patch.setenv(name, value)
        torch.set_num_threads(1)  # more threads on a busy machine wait for each other
        return load_pipelines(SHAPES, SHAPES.source, choose_device()).text2img


@pytest.fixture(scope="module")
def length(pipeline: Any) -> int:
    """Tokens that the model reads at once, the marks of beginning and end counted."""
    return int(pipeline.tokenizer.model_max_length)


def encode(pipeline: Any, prompt: str, *, weighting: bool = True, **more: Any) -> stages.Encoded:
    request = parse_request({"prompt": prompt, "prompt_weighting": weighting, **more})
    assert isinstance(request, ImageRequest)
    with torch.no_grad():
        return stages.encode(pipeline, request)


def refiner_of(pipeline: Any, *, zeros: bool) -> Any:
    """A pipeline with the second text encoder only, as the refiner's."""
    return type(pipeline)(
        **{**pipeline.components, "tokenizer": None, "text_encoder": None},
        force_zeros_for_empty_prompt=zeros,
        add_watermarker=False,
    )


def test_without_weights_they_are_the_pipeline_s_own(pipeline: Any) -> None:
    texts = {"negative_prompt": "a star", "num_images": 2}
    plain, weighted = (
        encode(pipeline, "a red circle", weighting=flag, **texts) for flag in (False, True)
    )
    assert plain.prompt.shape[0] == 2
    for name in ("prompt", "pooled", "negative_prompt", "negative_pooled"):
        torch.testing.assert_close(getattr(weighted, name), getattr(plain, name))


@pytest.mark.parametrize("weight", [1.5, 2.0])
def test_a_weight_above_one_moves_its_words_alone_and_by_that_much(
    pipeline: Any, weight: float
) -> None:
    plain = encode(pipeline, "a red circle").prompt[0]
    heavy = encode(pipeline, f"a (red){weight} circle").prompt[0]
    with torch.no_grad():
        no_text = pipeline.encode_prompt("", do_classifier_free_guidance=False)[0][0]
    red = 2  # after the mark of the beginning and "a"
    torch.testing.assert_close(heavy[red], no_text[red] + weight * (plain[red] - no_text[red]))
    others = [index for index in range(len(plain)) if index != red]
    torch.testing.assert_close(heavy[others], plain[others])


def test_a_weight_below_one_lies_between_the_word_said_and_not_said(pipeline: Any) -> None:
    said, half, unsaid = (
        encode(pipeline, f"a (red){weight} circle").prompt for weight in (1, 0.5, 0)
    )
    whole = float((said - unsaid).norm())
    assert whole > 0.1 * float(said.norm())
    for end in (said, unsaid):
        assert 0.2 * whole < float((half - end).norm()) < 0.8 * whole


def test_the_pooled_embedding_is_of_the_words_that_count_without_their_syntax(
    pipeline: Any,
) -> None:
    weighted = encode(pipeline, "a (red)1.5 circle, (blurry)0", negative_prompt="(star)0.5")
    plain = encode(pipeline, "a red circle, ", negative_prompt="star", weighting=False)
    torch.testing.assert_close(weighted.pooled, plain.pooled)
    torch.testing.assert_close(weighted.negative_pooled, plain.negative_pooled)


@pytest.mark.parametrize("negative", [None, "", " ", "(star)0"])
def test_no_negative_prompt_is_zeros_however_long_the_prompt_is(
    pipeline: Any, length: int, negative: str | None
) -> None:
    encoded = encode(pipeline, "a red circle" + DETAILS, negative_prompt=negative)
    assert encoded.prompt.shape[1] >= 2 * length
    assert encoded.negative_prompt is not None
    assert encoded.negative_pooled is not None
    assert encoded.negative_prompt.shape == encoded.prompt.shape
    assert not encoded.negative_prompt.any()
    assert not encoded.negative_pooled.any()


def test_where_the_model_was_trained_otherwise_no_negative_prompt_is_no_text(pipeline: Any) -> None:
    refiner = refiner_of(pipeline, zeros=False)
    plain, weighted = (encode(refiner, "a red circle", weighting=flag) for flag in (False, True))
    assert plain.negative_prompt is not None
    assert plain.negative_prompt.any()
    torch.testing.assert_close(weighted.negative_prompt, plain.negative_prompt)
    torch.testing.assert_close(weighted.prompt, plain.prompt)


def test_long_prompts_are_read_in_pieces_and_the_shorter_is_filled_up(
    pipeline: Any, length: int
) -> None:
    short, long = "a star", "a red circle" + DETAILS
    for prompt, negative in ((short, long), (long, short)):
        encoded = encode(pipeline, prompt, negative_prompt=negative)
        assert encoded.negative_prompt is not None
        assert encoded.prompt.shape == encoded.negative_prompt.shape
        assert encoded.prompt.shape[1] % length == 0
        assert encoded.prompt.shape[1] >= 2 * length
        of_short = encoded.prompt if prompt is short else encoded.negative_prompt
        alone = encode(pipeline, short).prompt
        torch.testing.assert_close(of_short[:, :length], alone)
        with torch.no_grad():
            no_text = pipeline.encode_prompt("", do_classifier_free_guidance=False)[0]
        torch.testing.assert_close(of_short[:, length : 2 * length], no_text)


def test_without_guidance_there_is_no_negative_embedding(pipeline: Any) -> None:
    encoded = encode(pipeline, "a (red)1.5 circle", negative_prompt="star", guidance_scale=1.0)
    assert encoded.negative_prompt is None


@pytest.mark.parametrize(
    "prompt",
    [
        "a <|endoftext|> (red)0.5 <|startoftext|> circle" + DETAILS,
        "( )0.5 a (\u200b)0.3 (🙂)0.7 (赤い円)1.4",
        ("(red!!)0.5 a blue, " * 32) + "circle",
    ],
)
def test_odd_words_are_read_too(pipeline: Any, length: int, prompt: str) -> None:
    embedding = encode(pipeline, prompt).prompt
    assert embedding.shape[1] % length == 0
    assert embedding.isfinite().all()


def test_a_prompt_is_truncated_from_the_first_token_that_does_not_fit(
    pipeline: Any, length: int
) -> None:
    fits = " ".join(["circle"] * (length - 2))
    assert not is_truncated(pipeline, fits)
    assert is_truncated(pipeline, fits + " red")
    assert not is_truncated(pipeline, None)
    assert is_truncated(refiner_of(pipeline, zeros=True), fits + " red")


def test_either_tokenizer_may_be_the_one_that_truncates(pipeline: Any) -> None:
    shorter = copy.deepcopy(pipeline.tokenizer)
    shorter.model_max_length = 3
    for pair in ((pipeline.tokenizer, shorter), (shorter, pipeline.tokenizer)):
        uneven = SimpleNamespace(tokenizer=pair[0], tokenizer_2=pair[1])
        assert is_truncated(uneven, "a red circle")
        assert not is_truncated(uneven, "circle")


def test_only_what_is_read_can_be_truncated(pipeline: Any) -> None:
    long = "a star" + DETAILS
    assert encode(pipeline, "a", negative_prompt=long, weighting=False).truncated
    assert encode(pipeline, long, weighting=False).truncated
    assert not encode(pipeline, long, negative_prompt=long).truncated
    unguided = {"negative_prompt": long, "guidance_scale": 1.0}
    assert not encode(pipeline, "a", weighting=False, **unguided).truncated


def test_compel_is_loaded_for_requests_that_ask_for_it_only() -> None:
    code = "import sys, gpu_worker.engine.model; print('compel' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"
