"""The list of LoRAs in a request: every fault inside it is told with its place."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.document import Generation
from shared.errors import InvalidInput
from shared.parse import parse_request
from shared.paths import GenerationPath
from shared.request import Img2ImgRequest, InpaintRequest, Lora, Text2ImgRequest
from shared.stored_size import stored_bytes
from tests.unit.shared.request_table import refusal_of

NAME = "a name of at most 64 lower-case letters, digits, - and _, not beginning with - or _"
WEIGHT = "a number from -2 to 2"
LIST = "a list of at most 4 objects with the keys name, weight"
IMAGE = {"image_url": "https://example.com/dog.png"}
MASK = {"mask_url": "https://example.com/mask.png"}


def parsed(loras: object, **more: object) -> tuple[Lora, ...]:
    request = parse_request({"prompt": "a dog", "loras": loras, **more})
    assert isinstance(request, Text2ImgRequest | Img2ImgRequest | InpaintRequest)
    return request.loras


def sentence(loras: object, **more: object) -> str:
    with pytest.raises(InvalidInput) as caught:
        parsed(loras, **more)
    return caught.value.message


@pytest.mark.parametrize("images", [{}, IMAGE, {**IMAGE, **MASK}])
def test_every_picture_task_takes_names_and_weights(images: dict[str, str]) -> None:
    loras = [{"name": "pastel", "weight": -0.5}, {"name": "ink_2-b"}]
    assert parsed(loras, **images) == (
        Lora(name="pastel", weight=-0.5),
        Lora(name="ink_2-b", weight=1),
    )


def test_a_film_takes_none() -> None:
    said = sentence([], task_type="text2video")
    assert said.startswith("loras is not a parameter of this task;")


@pytest.mark.parametrize("weight", [-2, -0.5, 0, 1, 1.5, 2])
def test_a_weight_in_range_is_taken(weight: float) -> None:
    assert parsed([{"name": "pastel", "weight": weight}])[0].weight == weight


@pytest.mark.parametrize("weight", [9, -2.01, 2.5, "1", True, [1], math.nan, math.inf, -math.inf])
def test_any_other_weight_is_told_its_place_and_the_range(weight: Any) -> None:
    shown = "a list" if isinstance(weight, list) else json.dumps(weight)
    said = sentence([{"name": "ink"}, {"name": "pastel", "weight": weight}])
    assert said == f"loras[1].weight is {shown}; it must be {WEIGHT}."


@pytest.mark.parametrize(
    "name", ["", "Pastel", "a b", "a.b", "-a", "_a", "../x", "a:1", "ä", "a\n"]
)
def test_a_name_that_is_no_slug_is_told_so(name: str) -> None:
    shown = json.dumps(name, ensure_ascii=False)
    assert sentence([{"name": name}]) == f"loras[0].name is {shown}; it must be {NAME}."


def test_a_name_may_have_64_characters_and_no_more() -> None:
    assert parsed([{"name": "a" * 64}])[0].name == "a" * 64
    assert sentence([{"name": "a" * 65}]).endswith(f"; it must be {NAME}.")


@pytest.mark.parametrize("name", [5, True, ["pastel"], {}])
def test_a_name_is_a_text(name: object) -> None:
    assert sentence([{"name": name}]).endswith(f"; it must be {NAME}.")


@pytest.mark.parametrize("lora", [{}, {"weight": 1}, {"name": None}])
def test_a_name_is_needed(lora: dict[str, Any]) -> None:
    assert sentence([lora]) == f"loras[0].name is missing; it must be {NAME}."


def test_null_means_not_given_in_the_list_too() -> None:
    assert parsed([{"name": "pastel", "weight": None}]) == (Lora(name="pastel"),)


@pytest.mark.parametrize(("entry", "shown"), [("pastel", '"pastel"'), (1, "1"), ([], "a list")])
def test_an_entry_that_is_no_object_is_told_its_place(entry: object, shown: str) -> None:
    assert sentence([{"name": "ink"}, entry]) == (
        f"loras[1] is {shown}; it must be an object with the keys name, weight."
    )


def test_a_key_that_an_entry_does_not_have_is_told_the_nearest() -> None:
    said = sentence([{"name": "pastel", "wieght": 1}])
    assert said == "wieght is not a parameter of loras[0]; did you mean weight?"
    said = sentence([{"name": "pastel", "zzz": 1}])
    assert said == "zzz is not a parameter of loras[0]; known are: name, weight."


def test_five_are_too_many() -> None:
    assert len(parsed([{"name": f"l{n}"} for n in range(4)])) == 4
    said = sentence([{"name": f"l{n}"} for n in range(5)])
    assert said == f"loras has 5 entries; it must be {LIST}."


def test_the_same_name_twice_is_refused() -> None:
    said = sentence([{"name": "ink"}, {"name": "pastel"}, {"name": "ink", "weight": 0.5}])
    assert said == 'loras[2].name is "ink"; it must be another name than that of loras[0].'


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["name", "weight"]) | st.text(max_size=4) | st.just("\ud800"),
            st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800"),
            max_size=3,
        )
        | st.dictionaries(st.integers(), st.integers(), max_size=2),
        max_size=5,
    )
)
def test_whatever_stands_in_the_list_is_read_or_told_in_words_that_can_be_stored(
    loras: list[Any],
) -> None:
    said = refusal_of({"prompt": "x", "loras": loras})
    if said is not None:
        assert said[-1] in ".?"
        said.encode()


def test_the_largest_list_is_far_below_what_a_document_holds() -> None:
    loras = [{"name": str(n) * 64, "weight": -1.5} for n in range(4)]
    document = {"input": {"prompt": "a dog", "loras": loras}, "status": "pending"}
    Generation.from_document(GenerationPath(uid="ann", generation_id="g1"), document).check_input()
    # By entry: the two names of the keys, the text and the number.
    assert stored_bytes(loras) == 4 * (5 + 65 + 7 + 8)
