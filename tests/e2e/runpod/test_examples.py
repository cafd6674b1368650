"""The example requests of the original worker's README, at sizes of the embedded models, and every
answer in its shape; what its own validator let through is refused with a sentence."""

import base64
import io
from typing import Any

import pytest
from PIL import Image

from gpu_worker.media.film_probe import probe_film
from tests.e2e.runpod.conftest import Endpoint

#: As the README has them, but for height and width.
PICTURE: dict[str, Any] = {
    "task_type": "text2img",
    "prompt": "A majestic steampunk dragon soaring through a cloudy sky, intricate clockwork "
    "details, golden hour lighting, highly detailed",
    "negative_prompt": "blurry, low quality, deformed, ugly, text, watermark, signature",
    "height": 128,
    "width": 128,
    "num_inference_steps": 25,
    "refiner_inference_steps": 50,
    "guidance_scale": 7.5,
    "strength": 0.3,
    "high_noise_frac": 0.8,
    "seed": 42,
    "scheduler": "K_EULER",
    "num_images": 1,
}
#: As the README has it, but for frames and steps: the size is one of two that the table allows.
FILM: dict[str, Any] = {
    "task_type": "text2video",
    "prompt": "A cat playing with a ball of yarn, fluffy and cute, smooth motion",
    "negative_prompt": "blurry, distorted, ugly, static, low quality",
    "video_height": 480,
    "video_width": 832,
    "num_frames": 17,
    "video_guidance_scale": 5.0,
    "fps": 15,
    "num_inference_steps": 4,
    "seed": 42,
}


def picture_of(url: str) -> Image.Image:
    head, _, data = url.partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_the_picture_example_has_its_answer(endpoint: Endpoint) -> None:
    answer = endpoint.run_sync(**PICTURE)
    assert answer.keys() == {"id", "status", "output"}
    assert answer["status"] == "COMPLETED"
    output = answer["output"]
    assert output.keys() == {"image_url", "images", "seed"}
    assert output["images"] == [output["image_url"]]
    assert output["seed"] == 42
    assert picture_of(output["image_url"]).size == (128, 128)


def test_the_film_example_has_its_answer(endpoint: Endpoint) -> None:
    output = endpoint.output(**FILM)
    assert output.keys() == {"video_url", "videos", "video_info", "seed"}
    assert output["videos"] == [output["video_url"]]
    assert output["seed"] == 42
    info = {"frames": 17, "width": 832, "height": 480, "fps": 15, "duration_seconds": 1.133}
    assert output["video_info"] == info
    head, _, data = output["video_url"].partition(",")
    assert head == "data:video/mp4;base64"
    facts = probe_film(base64.b64decode(data))
    assert (facts.frames, facts.width, facts.height) == (17, 832, 480)


def test_a_job_of_run_is_answered_by_status_once_and_not_streamed(endpoint: Endpoint) -> None:
    job = endpoint.run(**{**PICTURE, "num_inference_steps": 2, "refiner_inference_steps": 0})
    streamed = endpoint.stream(job)
    assert (streamed["status"], streamed["error"]) == (
        "FAILED",
        "Stream not supported, handler must be a generator.",
    )
    answer = endpoint.status(job)
    assert (answer["id"], answer["status"]) == (job, "COMPLETED")
    assert answer["output"]["seed"] == 42
    assert endpoint.status(job)["error"] == "Job ID not found"


def test_two_pictures_of_a_request_have_a_url_each(endpoint: Endpoint) -> None:
    output = endpoint.output(**{**PICTURE, "num_images": 2, "num_inference_steps": 2})
    assert len(set(output["images"])) == 2
    assert output["image_url"] == output["images"][0]


def test_without_a_seed_one_is_drawn_and_told(endpoint: Endpoint) -> None:
    seeds = {endpoint.output(prompt="a red circle", num_inference_steps=1)["seed"] for _ in "12"}
    assert len(seeds) == 2


def test_an_image_is_changed_and_painted_over(endpoint: Endpoint) -> None:
    picture = endpoint.output(prompt="a red circle on a blue background", seed=7)["image_url"]
    few = {"num_inference_steps": 10, "refiner_inference_steps": 0, "seed": 7}
    changed = endpoint.output(
        task_type="img2img", prompt="a green circle", image_url=picture, strength=0.6, **few
    )
    assert picture_of(changed["image_url"]).size == (128, 128)
    white = io.BytesIO()
    Image.new("L", (128, 128), 255).save(white, "PNG")
    mask = f"data:image/png;base64,{base64.b64encode(white.getvalue()).decode()}"
    painted = endpoint.output(
        task_type="inpaint", prompt="a green circle", image_url=picture, mask_url=mask, **few
    )
    assert len({it["image_url"] for it in (changed, painted)} | {picture}) == 3


def test_the_prompt_may_be_left_out_where_there_is_an_image(endpoint: Endpoint) -> None:
    picture = endpoint.output(prompt="a red circle", num_inference_steps=2, seed=7)["image_url"]
    assert endpoint.output(image_url=picture, num_inference_steps=4)["images"]


@pytest.mark.parametrize(
    ("hostile", "sentence"),
    [
        ({"width": 99999}, "width is 99999; it must be a whole number from 64 to 2048"),
        ({"guidance_scale": float("nan")}, "guidance_scale is NaN; it must be a number"),
        ({"guidance_scale": float("inf")}, "guidance_scale is Infinity; it must be a number"),
        ({"scheduler": "zzz"}, 'scheduler is "zzz"; it must be one of PNDM, KLMS, DDIM, K_EULER'),
        ({"num_inference_steps": 10**6}, "num_inference_steps is 1000000; it must be a whole num"),
        ({"seed": 10**400}, "seed is a far too large number; it must be a whole number"),
        ({"height": "512"}, 'height is "512"; it must be a whole number'),
        ({"strength": "0.3"}, 'strength is "0.3"; it must be a number from 0 to 1'),
        ({"num_images": 3}, "num_images is 3; it must be a whole number from 1 to 2"),
        ({"use_cloud_storage": "yes"}, 'use_cloud_storage is "yes"; it must be true or false'),
        ({"prompt": {"a": [{}]}}, "prompt is an object; it must be a non-blank text"),
        ({"prompt": "half \ud800"}, "prompt is "),
        ({"prmpt": "x"}, "prmpt is not a parameter of this task; did you mean prompt?"),
        ({"user_id": "a/b"}, "user_id is 'a/b'; it must be 1 to 128 letters, digits or"),
        ({"image_url": "file:///etc/passwd"}, "image_url is "),
        ({"image_url": "http://169.254.169.254/"}, "image_url is not an address of a form"),
    ],
)
def test_hostile_values_are_refused_with_a_sentence(
    endpoint: Endpoint, hostile: dict[str, Any], sentence: str
) -> None:
    error = endpoint.error(**{"prompt": "a red circle", **hostile})
    assert error.startswith(f"invalid_input: {sentence}"), error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("hostile", "sentence"),
    [
        ({"num_frames": 82}, "num_frames is 82; it must be a whole number from 16 to 81"),
        ({"fps": 5}, "fps is 5; it must be a whole number from 6 to 30"),
        ({"video_guidance_scale": 0.5}, "video_guidance_scale is 0.5; it must be a number from 1"),
        ({"video_width": 640}, "video_width x video_height is 640x480; it must be one of 832x480"),
    ],
)
def test_hostile_values_of_films_are_refused_with_a_sentence(
    endpoint: Endpoint, hostile: dict[str, Any], sentence: str
) -> None:
    assert endpoint.error(**{**FILM, **hostile}).startswith(f"invalid_input: {sentence}")


def test_junk_that_is_nested_or_huge_is_refused_with_a_sentence(endpoint: Endpoint) -> None:
    nested: Any = "x"
    for _ in range(200):
        nested = {"a": [nested]}
    assert "prompt is an object" in endpoint.error(prompt=nested)
    assert endpoint.error(prompt="x" * 10_000_001) == (
        "invalid_input: input takes 10.0 MB; it must take at most 10 MB. Give a large image by its "
        "address."
    )


def test_no_prompt_and_no_result_is_in_the_log(endpoint: Endpoint) -> None:
    endpoint.output(prompt="a secret circle", num_inference_steps=1)
    log = endpoint.log_file.read_text()
    assert "secret circle" not in log
    assert "base64" not in log
    assert "Traceback" not in log
