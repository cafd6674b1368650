"""Values in and out of range, field by field; defaults; which task a request means."""

import json
import math
from typing import Any

import pytest

from shared.errors import InvalidInput
from shared.parse import parse_request
from shared.request import (
    MODELS,
    Img2ImgRequest,
    InpaintRequest,
    OutputFormat,
    Scheduler,
    SpeedTier,
    TaskType,
    Text2ImgRequest,
    Text2VideoRequest,
)
from tests.unit.shared.request_table import (
    IMAGE,
    LEAST,
    MASK,
    TABLE,
    VIDEO,
    sentence,
)

RIGHT = [
    pytest.param(task, field, allowed, value, id=f"{task}-{field}-{value!r}"[:60])
    for task, rows in TABLE.items()
    for field, (allowed, right, _) in rows.items()
    for value in right
]
WRONG = [
    pytest.param(task, field, allowed, value, id=f"{task}-{field}-{value!r}"[:60])
    for task, rows in TABLE.items()
    for field, (allowed, _, wrong) in rows.items()
    for value in wrong
]


def test_the_table_here_knows_every_field_of_every_task() -> None:
    for task, model in MODELS.items():
        assert set(TABLE[task]) | {"task_type"} == set(model.model_fields)


@pytest.mark.parametrize(("task", "field", "allowed", "value"), RIGHT)
def test_a_value_in_range_is_taken(task: TaskType, field: str, allowed: str, value: Any) -> None:
    request = parse_request({**LEAST[task], field: value})
    assert getattr(request, field) == value
    if allowed.startswith("a whole number"):
        assert type(getattr(request, field)) is int


@pytest.mark.parametrize(("task", "field", "allowed", "value"), WRONG)
def test_a_wrong_value_is_told_field_value_and_what_is_allowed(
    task: TaskType, field: str, allowed: str, value: Any
) -> None:
    shown = (
        "an object"
        if isinstance(value, dict)
        else "a list"
        if isinstance(value, list)
        else json.dumps(value)
    )
    assert sentence({**LEAST[task], field: value}) == f"{field} is {shown}; it must be {allowed}."


@pytest.mark.parametrize(
    ("task", "field"),
    [
        (task, field)
        for task, rows in TABLE.items()
        for field, (allowed, _, _) in rows.items()
        if "number" in allowed
    ],
)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_may_be_infinite_or_none_at_all(task: TaskType, field: str, value: float) -> None:
    said = sentence({**LEAST[task], field: value})
    assert said.startswith(f"{field} is {json.dumps(value)}; it must be a ")


@pytest.mark.parametrize(
    ("task", "field"), [(task, field) for task, rows in TABLE.items() for field in rows]
)
def test_null_means_not_given(task: TaskType, field: str) -> None:
    without = {name: value for name, value in LEAST[task].items() if name != field}
    if field in LEAST[task]:
        assert sentence({**without, field: None}) == sentence(without)
    else:
        assert parse_request({**LEAST[task], field: None}) == parse_request(LEAST[task])


class TestDefaults:
    def test_a_picture_has_the_seeds_defaults(self) -> None:
        assert parse_request({"prompt": "a dog"}) == Text2ImgRequest(
            prompt="a dog",
            task_type=TaskType.TEXT2IMG,
            seed=None,
            negative_prompt=None,
            num_inference_steps=25,
            user_id=None,
            file_uid=None,
            use_cloud_storage=False,
            speed_tier=SpeedTier.QUALITY,
            width=None,
            height=None,
            scheduler=Scheduler.DDIM,
            guidance_scale=7.5,
            refiner_inference_steps=50,
            strength=0.3,
            high_noise_frac=None,
            num_images=1,
            output_format=OutputFormat.PNG,
            prompt_weighting=False,
            loras=(),
        )

    def test_a_film_has_the_seeds_defaults(self) -> None:
        assert parse_request(VIDEO) == Text2VideoRequest(
            prompt="a dog runs",
            task_type=TaskType.TEXT2VIDEO,
            video_height=480,
            video_width=832,
            num_frames=81,
            video_guidance_scale=5.0,
            fps=15,
            num_inference_steps=25,
        )


class TestTaskType:
    @pytest.mark.parametrize("task", list(TaskType))
    def test_the_task_is_the_one_that_is_named(self, task: TaskType) -> None:
        request = parse_request(LEAST[task])
        assert type(request) is MODELS[task]
        assert request.task_type is task

    @pytest.mark.parametrize(
        ("raw", "model"),
        [
            ({"prompt": "x"}, Text2ImgRequest),
            ({"prompt": "x", **IMAGE}, Img2ImgRequest),
            ({**IMAGE, **MASK}, InpaintRequest),
            ({"task_type": "text2img", **IMAGE}, Img2ImgRequest),
            ({"task_type": "text2img", **IMAGE, **MASK}, InpaintRequest),
            ({"task_type": None, "prompt": "x"}, Text2ImgRequest),
        ],
    )
    def test_without_a_name_the_given_images_decide(self, raw: dict[str, Any], model: type) -> None:
        assert type(parse_request(raw)) is model

    @pytest.mark.parametrize("value", ["zzz", "TEXT2IMG", "", 5, True, [], {}])
    def test_an_unknown_task_is_told_the_known_ones(self, value: object) -> None:
        said = sentence({"task_type": value, "prompt": "x"})
        assert said.startswith("task_type is ")
        assert said.endswith("; it must be one of text2img, img2img, inpaint, text2video.")


class TestNumberOfImages:
    @pytest.mark.parametrize("allowed", [1, 2, 4, 16])
    def test_the_deployment_bounds_it(self, allowed: int) -> None:
        most = parse_request({"prompt": "x", "num_images": allowed}, max_images=allowed)
        assert isinstance(most, Text2ImgRequest)
        assert most.num_images == allowed
        for more in (allowed + 1, 1000):
            with pytest.raises(InvalidInput) as caught:
                parse_request({"prompt": "x", "num_images": more}, max_images=allowed)
            assert caught.value.message == (
                f"num_images is {more}; it must be a whole number from 1 to {allowed}."
            )
