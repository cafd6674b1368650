"""What a wrong request is told: what is missing, unknown, too long or too much."""

from datetime import UTC, datetime

import pytest
from google.api_core.datetime_helpers import DatetimeWithNanoseconds

from shared.parse import MAX_SENTENCES, MAX_SHOWN_CHARACTERS, parse_request
from shared.request import (
    MAX_PROMPT_CHARACTERS,
    MAX_URL_CHARACTERS,
    MODELS,
    TaskType,
    Text2VideoRequest,
)
from tests.unit.shared.request_table import (
    ADDRESS,
    IMAGE,
    LEAST,
    MASK,
    PICTURES,
    SEED,
    TABLE,
    VIDEO,
    sentence,
)


class TestMissing:
    @pytest.mark.parametrize(
        ("task", "field"),
        [(task, field) for task in TaskType for field in LEAST[task] if field != "task_type"],
    )
    def test_what_a_task_must_have_is_named(self, task: TaskType, field: str) -> None:
        without = {name: value for name, value in LEAST[task].items() if name != field}
        allowed = TABLE[task][field][0]
        assert sentence(without) == f"{field} is missing; it must be {allowed}."

    def test_what_is_nested_deeper_than_python_s_calls_is_named_all_the_same(self) -> None:
        deep: list[object] = []
        for _ in range(5000):
            deep = [{"a": deep}]
        assert sentence({"prompt": deep}).startswith("prompt is a list; it must be")

    @pytest.mark.parametrize(
        ("raw", "shown"),
        [
            (None, "null"),
            ([], "a list"),
            ("a dog", '"a dog"'),
            (7, "7"),
            (b"x", "bytes"),
            (datetime(2026, 1, 1, tzinfo=UTC), "a timestamp"),
            (DatetimeWithNanoseconds(2026, 1, 1, tzinfo=UTC), "a timestamp"),
        ],
    )
    def test_an_input_that_is_no_object_is_told_so(self, raw: object, shown: str) -> None:
        assert sentence(raw) == f"input is {shown}; it must be an object of request parameters."


class TestUnknownKeys:
    def test_a_key_that_is_no_text_is_shown_by_its_kind(self) -> None:
        said = sentence({"prompt": "x", 10**6000: 1})
        assert said.startswith('"a far too large number" is not a parameter of this task; known')

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
