"""What a file says of how it was made, read back as other tools read it."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from gpu_worker.media.preview_file import MAX_PREVIEW_BYTES, make_preview
from gpu_worker.media.result_file import encode_result
from gpu_worker.ports import EngineResult, FewSteps, LoraFile, Picture, Sampler
from shared.parse import parse_request
from shared.request import ImageRequest

PIXELS = np.full((64, 96, 3), 77, np.uint8)
PROMPT = "a red circle, ünïcode 🙂"


def encoded(
    *,
    embed: bool = True,
    refiner: bool = False,
    few_steps: FewSteps | None = None,
    **parameters: object,
) -> Image.Image:
    request = parse_request({"prompt": PROMPT, "negative_prompt": "blurry", **parameters})
    assert isinstance(request, ImageRequest)
    picture = Picture(pixels=PIXELS, seed=42)
    result = EngineResult(
        pictures=(picture,),
        model="shapes",
        native_size=(128, 128),
        refiner=refiner,
        few_steps=few_steps,
    )
    return Image.open(
        io.BytesIO(encode_result(picture, result, request, embed_metadata=embed).data)
    )


def texts(image: Image.Image) -> tuple[str, str]:
    """The text for people and the one for programs."""
    image.load()
    if image.format == "PNG":
        return str(image.info["parameters"]), str(image.info["emberframe"])
    exif = image.getexif()
    comment = exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment]
    assert comment[:8] == b"UNICODE\0"
    return comment[8:].decode("utf-16-be"), exif[ExifTags.Base.ImageDescription]


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_the_request_s_format_is_the_file_s_and_holds_the_parameters(output_format: str) -> None:
    image = encoded(output_format=output_format, seed=7, width=96, height=64)
    assert (image.format or "").lower() == output_format
    parameters, program = texts(image)
    assert parameters.splitlines() == [
        PROMPT,
        "Negative prompt: blurry",
        (
            "Steps: 25, Sampler: DDIM, CFG scale: 7.5, Seed: 42, Size: 96x64, Model: shapes, "
            "Version: emberframe"
        ),
    ]
    made = json.loads(program)
    assert (made["prompt"], made["seed"], made["model"]) == (PROMPT, 42, "shapes")
    assert (made["width"], made["height"], made["refiner"]) == (96, 64, False)


def test_the_json_is_a_request_that_makes_the_same_picture_again() -> None:
    made = json.loads(texts(encoded(scheduler="Heun", guidance_scale=3))[1])
    again = parse_request({key: made[key] for key in made if key not in ("model", "refiner")})
    assert isinstance(again, ImageRequest)
    assert (again.seed, again.scheduler.value, again.guidance_scale) == (42, "Heun", 3)


def test_no_address_and_no_person_gets_into_a_file() -> None:
    image = encoded(
        image_url="gs://bucket/users/ada/inputs/secret.png", user_id="ada", strength=0.5
    )
    parameters, program = texts(image)
    assert "Denoising strength: 0.5" in parameters
    for text in (parameters, program):
        assert "secret" not in text
        assert "ada" not in text


@pytest.mark.parametrize("flag", [True, False])
def test_whether_weights_were_read_is_in_the_file(flag: bool) -> None:
    parameters, program = texts(encoded(prompt_weighting=flag))
    assert ("Prompt weighting: compel" in parameters) is flag
    assert json.loads(program)["prompt_weighting"] is flag


def test_a_tier_other_than_quality_is_in_the_file_and_makes_the_same_picture_again() -> None:
    parameters, program = texts(encoded(speed_tier="fast"))
    assert "Speed tier: fast, Version: emberframe" in parameters
    made = json.loads(program)
    again = parse_request({key: made[key] for key in made if key not in ("model", "refiner")})
    assert again.speed_tier.value == "fast"
    assert "Speed tier" not in texts(encoded())[0]


def test_few_steps_are_in_the_file_in_the_place_of_those_asked_for() -> None:
    lora = LoraFile(name="quick", weight=0.9, file=Path("/models/secret"), sha256="0" * 64)
    used = FewSteps(lora=lora, steps=4, guidance_scale=1.0, sampler=Sampler.LCM)
    parameters, program = texts(encoded(few_steps=used, speed_tier="fast"))
    assert parameters.splitlines()[0] == f"{PROMPT} <lora:quick:0.9>"
    assert "Steps: 4, Sampler: lcm, CFG scale: 1.0, Seed: 42" in parameters
    made = json.loads(program)
    assert made["num_inference_steps"] == 25
    assert made["few_steps"] == {
        "lora": "quick",
        "weight": 0.9,
        "num_inference_steps": 4,
        "guidance_scale": 1.0,
        "sampler": "lcm",
    }
    assert "secret" not in parameters + program


def test_the_refiner_is_named_where_it_took_part() -> None:
    parameters, program = texts(encoded(refiner=True, high_noise_frac=0.8))
    assert "Refiner steps: 50, Refiner switch at: 0.8" in parameters
    assert json.loads(program)["refiner"] is True


def test_loras_are_named_with_their_weights_as_other_tools_write_them() -> None:
    loras = [{"name": "pastel", "weight": 0.75}, {"name": "ink-2"}, {"name": "mud", "weight": -1}]
    parameters, program = texts(encoded(loras=loras))
    assert parameters.splitlines()[0] == f"{PROMPT} <lora:pastel:0.75> <lora:ink-2:1> <lora:mud:-1>"
    assert json.loads(program)["loras"] == [
        {"name": "pastel", "weight": 0.75},
        {"name": "ink-2", "weight": 1},
        {"name": "mud", "weight": -1},
    ]
    made = json.loads(program)
    again = parse_request({key: made[key] for key in made if key not in ("model", "refiner")})
    assert isinstance(again, ImageRequest)
    assert [it.name for it in again.loras] == ["pastel", "ink-2", "mud"]


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_a_setting_leaves_all_of_it_out(output_format: str) -> None:
    image = encoded(embed=False, output_format=output_format)
    image.load()
    assert "parameters" not in image.info
    assert "emberframe" not in image.info
    assert not image.getexif()


@pytest.mark.parametrize("size", [(128, 128), (128, 96), (16, 16)])
def test_a_preview_fits_into_a_document_even_of_pure_noise(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    file = make_preview(noise)
    assert len(file) <= MAX_PREVIEW_BYTES
    assert Image.open(io.BytesIO(file)).size == size
