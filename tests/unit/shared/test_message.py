"""Messages: ids only, read by this release and refused with a reason otherwise."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.message import SCHEMA_VERSION, GenerationMessage, MalformedMessage, NewerSchema
from shared.paths import GenerationPath
from tests.unit.shared.ids import IDS

GOOD: dict[str, Any] = {"schema_version": 1, "uid": "ann", "generation_id": "g1"}


def encoded(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


@given(IDS, IDS)
def test_a_message_that_is_written_reads_the_same_again(uid: str, generation_id: str) -> None:
    message = GenerationMessage(path=GenerationPath(uid=uid, generation_id=generation_id))
    assert GenerationMessage.from_bytes(message.to_bytes()) == message


def test_a_message_holds_two_ids_and_the_version_of_its_schema() -> None:
    message = GenerationMessage(path=GenerationPath(uid="ann", generation_id="g1"))
    assert json.loads(message.to_bytes()) == GOOD


def test_a_key_that_a_later_release_adds_is_left_alone() -> None:
    assert str(GenerationMessage.from_bytes(encoded(priority=5)).path) == "users/ann/generations/g1"


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 99])
def test_a_newer_schema_is_told_from_rubbish(version: int) -> None:
    with pytest.raises(NewerSchema, match=f"schema_version is above {SCHEMA_VERSION}"):
        GenerationMessage.from_bytes(encoded(schema_version=version, uid={"new": "shape"}))


@pytest.mark.parametrize("version", [0, -1, 1.0, "1", True, None, [1]])
def test_a_version_that_is_no_whole_number_is_rubbish(version: object) -> None:
    with pytest.raises(MalformedMessage, match="schema_version"):
        GenerationMessage.from_bytes(encoded(schema_version=version))


@pytest.mark.parametrize("name", ["uid", "generation_id"])
@pytest.mark.parametrize("value", [None, "", "a/b", 5, {"a": 1}, ["a"]])
def test_an_id_that_is_not_safe_is_rubbish(name: str, value: object) -> None:
    with pytest.raises(MalformedMessage, match=f"^{name} is "):
        GenerationMessage.from_bytes(encoded(**{name: value}))


@pytest.mark.parametrize(
    "data", [b"", b"x", b"null", b"[]", b"5", b'"x"', b"\xff\xfe", b"{", b"[" * 100_000]
)
def test_what_is_no_json_object_is_rubbish(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        GenerationMessage.from_bytes(data)


@settings(max_examples=300)
@given(
    st.binary(max_size=200)
    | st.dictionaries(st.text(), st.integers()).map(lambda it: json.dumps(it).encode())
)
def test_whatever_comes_is_a_message_or_refused_as_none(data: bytes) -> None:
    with contextlib.suppress(MalformedMessage, NewerSchema):
        assert isinstance(GenerationMessage.from_bytes(data), GenerationMessage)
