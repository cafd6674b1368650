"""What is left of an event when the function gets to decode it."""

from dataclasses import dataclass
from typing import Any

from google.cloud.firestore_v1 import types as database_types
from google.cloud.firestore_v1._helpers import encode_dict
from google.events.cloud.firestore import Document, DocumentEventData

from trigger.adapters.document_event import with_field_only
from trigger.main import enqueue

NAME = "projects/x/databases/(default)/documents/users/ann/generations/g1"


@dataclass
class Raw:
    data: Any


def event(**fields: Any) -> bytes:
    document = database_types.Document(name=NAME, fields=encode_dict(fields))
    whole = Document.deserialize(database_types.Document.serialize(document))
    return bytes(DocumentEventData.serialize(DocumentEventData(value=whole)))


def left_of(data: bytes) -> DocumentEventData:
    got: list[Raw] = []
    with_status_only(got.append)(Raw(data))
    return DocumentEventData.deserialize(got[0].data)


def test_of_the_fields_only_the_status_is_left() -> None:
    left = left_of(event(status="pending", input={"prompt": "a secret"}))
    assert left.value.name == NAME
    assert {name: it.string_value for name, it in left.value.fields.items()} == {
        "status": "pending"
    }


def test_a_status_that_is_no_text_is_left_out() -> None:
    assert not left_of(event(status={"a": 1})).value.fields


def test_the_deployment_tool_still_finds_the_function() -> None:
    assert vars(enqueue)["__firebase_endpoint__"].entryPoint == "enqueue"
