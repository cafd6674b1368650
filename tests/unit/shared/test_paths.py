"""Ids that are safe wherever they go, and names made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.paths import MAX_ID_LENGTH, GenerationPath, ObjectName, check_id
from tests.unit.shared.ids import IDS

GOOD = ["a", "7", "A-Z_a-z0-9", "a.b", "a:b@c", "_a", "__a", "a__", "-", "a" * MAX_ID_LENGTH]
BAD = [
    "",
    ".",
    "..",
    ".a",
    ":a",
    "@a",
    "a/b",
    "a b",
    "a\n",
    "a\x00",
    "größe",
    "a" * (MAX_ID_LENGTH + 1),
    "__a__",
    "____",
    "a%2Fb",
    "a\\b",
    "a?b",
    "a#b",
    "a*b",
    "a[b]",
]


@pytest.mark.parametrize("value", GOOD)
def test_an_id_of_letters_digits_and_a_few_signs_is_fine(value: str) -> None:
    assert check_id("user_id", value) == value


@pytest.mark.parametrize("value", [*BAD, None, 5, b"a", ["a"], {"a": 1}])
def test_any_other_id_is_refused_by_the_name_of_its_field(value: object) -> None:
    with pytest.raises(
        InvalidInput, match=r"^invalid_input: file_uid is .*; it must be 1 to 128 letters"
    ):
        check_id("file_uid", value)


def test_a_refused_id_is_cut_in_the_sentence() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_id("user_id", "x" * 100_000)
    assert len(caught.value.message) < 400


@given(IDS, IDS)
def test_a_path_that_is_written_reads_the_same_again(uid: str, generation_id: str) -> None:
    path = GenerationPath(uid=uid, generation_id=generation_id)
    assert GenerationPath.parse(str(path)) == path
    assert str(path) == f"users/{uid}/generations/{generation_id}"


@pytest.mark.parametrize(
    "document",
    [
        "",
        "users/ann",
        "users/ann/generations",
        "users/ann/generations/g1/",
        "/users/ann/generations/g1",
        "users/ann/generations/g1/notes/n",
        "users//generations/g1",
        "people/ann/generations/g1",
        "users/ann/pictures/g1",
        "users/../generations/g1",
        "users/ann/generations/.",
        "users/ann/generations/g1\n",
    ],
)
def test_any_other_path_is_refused(document: str) -> None:
    with pytest.raises(InvalidInput):
        GenerationPath.parse(document)


@pytest.mark.parametrize("value", BAD)
def test_no_path_can_be_made_of_an_id_that_is_not_safe(value: str) -> None:
    with pytest.raises(InvalidInput, match="invalid_input: user_id is"):
        GenerationPath(uid=value, generation_id="g1")
    with pytest.raises(InvalidInput, match="invalid_input: file_uid is"):
        GenerationPath(uid="ann", generation_id=value)


@given(IDS, IDS, st.integers(min_value=1, max_value=99))
def test_an_object_lies_below_its_generation_under_its_token(
    uid: str, generation_id: str, token: int
) -> None:
    path = GenerationPath(uid=uid, generation_id=generation_id)
    name = path.object_name(token, "0.png")
    assert name == f"users/{uid}/generations/{generation_id}/{token}/0.png"
    assert name.startswith(path.object_prefix)


def test_the_prefix_of_one_generation_is_not_a_prefix_of_another() -> None:
    first = GenerationPath(uid="ann", generation_id="g1")
    second = GenerationPath(uid="ann", generation_id="g10")
    assert not second.object_name(1, "0.png").startswith(first.object_prefix)


@given(
    st.builds(GenerationPath, uid=IDS, generation_id=IDS),
    st.integers(1, 2**53 - 1),
    st.sampled_from(["0.png", "0.thumbnail.webp"]),
)
def test_the_name_of_an_object_is_taken_apart_as_it_was_made(
    path: GenerationPath, token: int, file: str
) -> None:
    name = ObjectName.parse(path.object_name(token, file))
    assert name == ObjectName(generation=path, token=token)


@pytest.mark.parametrize(
    "name",
    [
        "users/ann/inputs/mask.png",
        "users/ann/generations/g1/0.png",
        "users/ann/generations/g1/0/0.png",
        "users/ann/generations/g1/01/0.png",
        "users/ann/generations/g1/-1/0.png",
        "users/ann/generations/g1/1/",
        "users/ann/generations/g1/12345678901234567/0.png",
        "users/.ann/generations/g1/1/0.png",
        "users/ann/generations/with space/1/0.png",
        "other/users/ann/generations/g1/1/0.png",
        "",
    ],
)
def test_a_name_that_no_attempt_makes_is_none_of_ours(name: str) -> None:
    assert ObjectName.parse(name) is None
