"""Every field of every task: what its sentence says is allowed, values right and wrong."""

from collections.abc import Mapping
from typing import Any

import pytest

from shared.errors import ErrorCode, InvalidInput
from shared.parse import parse_request
from shared.request import (
    MAX_SEED,
    OutputFormat,
    Scheduler,
    SpeedTier,
    TaskType,
)

IMAGE = {"image_url": "https://example.com/dog.png"}
MASK = {"mask_url": "https://example.com/mask.png"}
VIDEO = {"task_type": "text2video", "prompt": "a dog runs"}
#: A request of each task that gives only what it must.
LEAST: Mapping[TaskType, dict[str, Any]] = {
    TaskType.TEXT2IMG: {"task_type": "text2img", "prompt": "a dog"},
    TaskType.IMG2IMG: {"task_type": "img2img", **IMAGE},
    TaskType.INPAINT: {"task_type": "inpaint", **IMAGE, **MASK},
    TaskType.TEXT2VIDEO: VIDEO,
}
PICTURES = (TaskType.TEXT2IMG, TaskType.IMG2IMG, TaskType.INPAINT)

SCHEDULERS = (
    "PNDM, KLMS, DDIM, K_EULER, K_EULER_ANCESTRAL, DPMSolverMultistep, DPMSolverSinglestep, UniPC, "
    "DEIS, Heun, K_EULER_KARRAS, KLMS_KARRAS, DPMSolverMultistepKarras, DPMSolverSinglestepKarras, "
    "DPMSolverMultistepSDEKarras"
)
SCHEMES = "https://, http://, gs://, s3://, data:image/"
SEED = "a whole number from 0 to 9007199254740991"
SIDE = "a whole number from 64 to 2048, a multiple of 8"
SHARE = "a number from 0 to 1"
PROMPT = "a non-blank text of at most 2000 characters"
TEXT = "a text of at most 2000 characters"
ADDRESS = f"an address of at most 14000000 characters that begins with one of {SCHEMES}"
FLAG = "true or false"

#: Field → what its sentence says is allowed, values that are right, values that are wrong.
Row = tuple[str, list[Any], list[Any]]
COMMON: Mapping[str, Row] = {
    "seed": (SEED, [0, MAX_SEED, 7.0], [-1, MAX_SEED + 1, 1.5, "7", True]),
    "negative_prompt": (TEXT, ["", "blurry"], [5, ["blurry"], True]),
    "num_inference_steps": (
        "a whole number from 1 to 150",
        [1, 150, 25.0],
        [0, 151, 1_000_000, "25", 25.5, False],
    ),
    "use_cloud_storage": (FLAG, [True, False], ["true", 1, 0, "yes"]),
    "user_id": ("a text", ["ann", ""], [5, {}]),
    "file_uid": ("a text", ["g1"], [5, []]),
    "speed_tier": (
        "one of quality, fast",
        list(SpeedTier),
        ["QUALITY", "best", "", 5, True, ["fast"]],
    ),
}
PICTURE: Mapping[str, Row] = {
    "width": (SIDE, [64, 2048, 512.0], [0, 56, 63, 65, 2056, 99_999, "512", 512.5, True, {}]),
    "height": (SIDE, [64, 2048, 1024], [-8, 2049, "1024", [1024]]),
    "scheduler": (
        f"one of {SCHEDULERS}",
        list(Scheduler),
        ["zzz", "ddim", "", 5, True, ["DDIM"]],
    ),
    "guidance_scale": ("a number from 0 to 30", [0, 7, 7.5, 30], [-0.1, 30.1, "7.5", True]),
    "refiner_inference_steps": ("a whole number from 0 to 150", [0, 150], [-1, 151, "50"]),
    "strength": (SHARE, [0, 0.3, 1], [-0.1, 1.1, "0.3"]),
    "high_noise_frac": ("a number above 0 and below 1", [0.01, 0.8], [0, 1, 1.0, -0.5, "0.8"]),
    "prompt_weighting": (FLAG, [True, False], ["true", 1, 0.0, "(red)1.3"]),
    "output_format": (
        "one of png, jpeg, webp",
        list(OutputFormat),
        ["jpg", "PNG", "", 5, True, ["png"]],
    ),
    "num_images": ("a whole number from 1 to 2", [1, 2, 2.0], [0, 3, "1", 1.5]),
    # What stands in the list: tests/unit/shared/test_parse_loras.py.
    "loras": (
        "a list of at most 4 objects with the keys name, weight",
        [()],
        [5, "pastel", True, {"name": "pastel"}],
    ),
}
FILM: Mapping[str, Row] = {
    "num_frames": ("a whole number from 16 to 81", [16, 81, 20], [15, 82, "81", 16.5]),
    "fps": ("a whole number from 6 to 30", [6, 30, 15.0], [5, 31, "15"]),
    "video_guidance_scale": ("a number from 1 to 20", [1, 5.0, 20], [0.9, 20.1, "5"]),
    "video_width": ("a whole number", [832, 832.0], ["832", 832.5, True, {}]),
    "video_height": ("a whole number", [480], ["480", 480.1]),
}
PROMPTED: Mapping[str, Row] = {"prompt": (PROMPT, ["a dog", " a "], ["", " \n\t", 5, ["a dog"]])}
IMAGED: Mapping[str, Row] = {
    "image_url": (
        ADDRESS,
        [
            "https://a/b.png",
            "http://a/b",
            "gs://bucket/a.png",
            "s3://bucket/a.png",
            "data:image/png;base64,AA==",
        ],
        ["", "file:///etc/passwd", "/etc/passwd", "ftp://a/b", "HTTPS://a/b", 5, {}],
    ),
}
MASKED: Mapping[str, Row] = {"mask_url": IMAGED["image_url"]}
TABLE: Mapping[TaskType, Mapping[str, Row]] = {
    TaskType.TEXT2IMG: {**COMMON, **PICTURE, **PROMPTED},
    TaskType.IMG2IMG: {**COMMON, **PICTURE, **PROMPTED, **IMAGED},
    TaskType.INPAINT: {**COMMON, **PICTURE, **PROMPTED, **IMAGED, **MASKED},
    TaskType.TEXT2VIDEO: {**COMMON, **FILM, **PROMPTED},
}


def sentence(raw: object) -> str:
    """What a bad request is told."""
    with pytest.raises(InvalidInput) as caught:
        parse_request(raw)
    assert caught.value.code is ErrorCode.INVALID_INPUT
    assert not caught.value.retryable
    return caught.value.message


def refusal_of(raw: object) -> str | None:
    """What a request is told, or None for a good one; any other error is a fault of ours."""
    try:
        parse_request(raw)
    except InvalidInput as error:
        return error.message
    return None
