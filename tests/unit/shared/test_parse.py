"""Every fault of a request gets a sentence: field, value, and what is allowed."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import ErrorCode, InvalidInput
from shared.parse import MAX_SENTENCES, MAX_SHOWN_CHARACTERS, parse_request
from shared.request import (
    MAX_PROMPT_CHARACTERS,
    MAX_SEED,
    MAX_URL_CHARACTERS,
    MODELS,
    Img2ImgRequest,
    InpaintRequest,
    OutputFormat,
    Scheduler,
    TaskType,
    Text2ImgRequest,
    Text2VideoRequest,
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
SCHEMES = "https://, http://, gs://, data:image/"
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
        ["https://a/b.png", "http://a/b", "gs://bucket/a.png", "data:image/png;base64,AA=="],
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


class TestMissing:
    @pytest.mark.parametrize(
        ("task", "field"),
        [(task, field) for task in TaskType for field in LEAST[task] if field != "task_type"],
    )
    def test_what_a_task_must_have_is_named(self, task: TaskType, field: str) -> None:
        without = {name: value for name, value in LEAST[task].items() if name != field}
        allowed = TABLE[task][field][0]
        assert sentence(without) == f"{field} is missing; it must be {allowed}."

    @pytest.mark.parametrize(
        ("raw", "shown"),
        [
            (None, "null"),
            ([], "a list"),
            ("a dog", '"a dog"'),
            (7, "7"),
            (b"x", "bytes"),
            (datetime(2026, 1, 1, tzinfo=UTC), "a datetime"),
        ],
    )
    def test_an_input_that_is_no_object_is_told_so(self, raw: object, shown: str) -> None:
        assert sentence(raw) == f"input is {shown}; it must be an object of request parameters."


class TestUnknownKeys:
    def test_a_mistyped_key_is_told_the_nearest(self) -> None:
        said = sentence({"prompt": "x", "widht": 512})
        assert said == "widht is not a parameter of this task; did you mean width?"

    @pytest.mark.parametrize("task", list(TaskType))
    def test_a_key_like_no_other_is_told_all_there_are(self, task: TaskType) -> None:
        said = sentence({**LEAST[task], "zzzzzz": 1})
        known = said.partition("known are: ")[2].rstrip(".").split(", ")
        assert sorted(known) == sorted(MODELS[task].model_fields)

    @pytest.mark.parametrize("key", ["", "a b", "a\nb", "größe", "x" * 1000, "\ud800", "1"])
    def test_a_key_that_is_no_name_is_quoted_and_cut(self, key: str) -> None:
        said = sentence({"prompt": "x", key: 1})
        assert said.startswith('"')
        assert len(said) < 400
        assert "\n" not in said
        said.encode()

    def test_a_key_that_is_no_text_is_refused_too(self) -> None:
        assert sentence({"prompt": "x", 5: 1}).startswith('"5" is not a parameter of this task')

    @pytest.mark.parametrize("field", ["num_frames", "fps", "video_width"])
    @pytest.mark.parametrize("task", PICTURES)
    def test_a_picture_takes_no_parameter_of_a_film(self, task: TaskType, field: str) -> None:
        assert sentence({**LEAST[task], field: 16}).startswith(f"{field} is not a parameter of")

    def test_an_image_to_image_request_takes_no_mask(self) -> None:
        said = sentence({"task_type": "img2img", **IMAGE, **MASK})
        assert said.startswith("mask_url is not a parameter of this task;")


class TestSizes:
    @pytest.mark.parametrize("pair", [(832, 480), (480, 832), (1280, 720), (720, 1280)])
    def test_a_film_has_a_size_that_the_model_was_trained_for(self, pair: tuple[int, int]) -> None:
        request = parse_request({**VIDEO, "video_width": pair[0], "video_height": pair[1]})
        assert isinstance(request, Text2VideoRequest)
        assert (request.video_width, request.video_height) == pair

    @pytest.mark.parametrize("pair", [(832, 832), (1280, 480), (0, 0), (-832, 480), (10**9, 480)])
    def test_any_other_size_is_told_the_four(self, pair: tuple[int, int]) -> None:
        said = sentence({**VIDEO, "video_width": pair[0], "video_height": pair[1]})
        assert said == (
            f"video_width x video_height is {pair[0]}x{pair[1]}; "
            "it must be one of 832x480, 480x832, 1280x720, 720x1280."
        )

    @pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
    def test_a_text_that_is_too_long_is_told_its_length_and_not_itself(self, field: str) -> None:
        longest = "é" * MAX_PROMPT_CHARACTERS
        assert getattr(parse_request({"prompt": "x", field: longest}), field) == longest
        said = sentence({"prompt": "x", field: longest + "é"})
        assert said.startswith(f"{field} is 2001 characters long; it must be a ")

    def test_an_address_that_is_too_long_is_told_its_length(self) -> None:
        said = sentence({"image_url": "data:image/" + "A" * MAX_URL_CHARACTERS})
        assert said == f"image_url is 14000011 characters long; it must be {ADDRESS}."

    @pytest.mark.parametrize(
        "seed", [10**30, 10**400, -(10**5000), 1e300], ids=["30", "400", "5000", "float"]
    )
    def test_a_number_of_any_length_can_be_refused(self, seed: float) -> None:
        said = sentence({"prompt": "x", "seed": seed})
        assert said.endswith(f"; it must be {SEED}.")
        assert len(said) < 200


class TestSentences:
    def test_several_faults_are_all_told(self) -> None:
        said = sentence({"prompt": "", "width": 1, "seed": -1})
        for field in ("prompt", "width", "seed"):
            assert f"{field} is " in said

    def test_of_many_faults_the_first_are_told_and_the_rest_counted(self) -> None:
        said = sentence({"prompt": "x", **{f"zz{n}": 1 for n in range(MAX_SENTENCES + 3)}})
        assert said.count("is not a parameter") == MAX_SENTENCES
        assert said.endswith("Not shown: 3 more.")

    def test_a_long_value_is_cut(self) -> None:
        said = sentence({"prompt": "x", "scheduler": "s" * 1000})
        assert "s" * (MAX_SHOWN_CHARACTERS - 1) in said
        assert "s" * (MAX_SHOWN_CHARACTERS + 1) not in said

    def test_half_a_character_makes_a_sentence_that_can_be_stored(self) -> None:
        sentence({"prompt": "x\ud800"}).encode()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
ANY = JSON | st.binary(max_size=8) | st.datetimes() | st.sampled_from(list(TaskType))
NAMES = sorted({name for model in MODELS.values() for name in model.model_fields})


class TestAnything:
    @settings(max_examples=500, deadline=None)
    @given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=10), ANY, max_size=8) | ANY)
    def test_whatever_comes_is_a_request_or_a_sentence_that_can_be_stored(self, raw: Any) -> None:
        said = refusal_of(raw)
        if said is not None:
            assert said[-1] in ".?"
            assert len(said) < 4000
            said.encode()

    @settings(max_examples=300, deadline=None)
    @given(
        st.sampled_from(list(TaskType)),
        st.data(),
    )
    def test_one_wrong_field_is_the_one_that_is_named(
        self, task: TaskType, data: st.DataObject
    ) -> None:
        field = data.draw(st.sampled_from(sorted(TABLE[task])))
        value = data.draw(st.sampled_from(TABLE[task][field][2]))
        assert sentence({**LEAST[task], field: value}).startswith(f"{field} is ")

    @settings(max_examples=300, deadline=None)
    @given(st.sampled_from(list(TaskType)), st.data())
    def test_what_was_read_reads_the_same_again(self, task: TaskType, data: st.DataObject) -> None:
        fields = data.draw(st.sets(st.sampled_from(sorted(TABLE[task])), max_size=5))
        drawn = {field: data.draw(st.sampled_from(TABLE[task][field][1])) for field in fields}
        request = parse_request({**LEAST[task], **drawn})
        assert parse_request(request.model_dump(mode="json")) == request


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
