"""What is left of an event when a function gets to decode it."""

from dataclasses import dataclass
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.cloud.firestore_v1 import types as database_types
from google.cloud.firestore_v1._helpers import decode_dict, encode_dict
from google.events.cloud.firestore import Document, DocumentEventData

from trigger.adapters.document_event import with_fields_only
from trigger.main import cleanup, enqueue

NAME = "projects/x/databases/(default)/documents/users/ann/generations/g1"
LEASE = {"token": 7, "worker_id": None, "expires_at": None}


@dataclass
class Raw:
    data: Any


def document(**fields: Any) -> Document:
    encoded = database_types.Document(name=NAME, fields=encode_dict(fields))
    return Document.deserialize(database_types.Document.serialize(encoded))


def left_of(name: str, **whole: Document) -> DocumentEventData:
    got: list[Raw] = []
    data = bytes(DocumentEventData.serialize(DocumentEventData(**whole)))
    with_fields_only(name)(got.append)(Raw(data))
    return DocumentEventData.deserialize(got[0].data)


def test_of_a_created_document_the_one_field_is_left() -> None:
    left = left_of("status", value=document(status="pending", input={"prompt": "a secret"}))
    assert left.value.name == NAME
    assert {name: it.string_value for name, it in left.value.fields.items()} == {
        "status": "pending"
    }
    assert "old_value" not in left


def test_of_a_deleted_document_the_one_field_is_left_of_what_it_was() -> None:
    other = firestore.Client(project="other", credentials=AnonymousCredentials())
    before = document(lease=LEASE, input={"elsewhere": other.document("a/b")}, status="failed")
    left = left_of("lease", old_value=before)
    assert decode_dict(left.old_value.fields, other) == {"lease": LEASE}
    assert "value" not in left
    other.close()


def test_of_several_fields_each_is_left_that_is_there() -> None:
    got: list[Raw] = []
    before = document(lease=LEASE, charge="none", input={"prompt": "a secret"}, status="failed")
    data = bytes(DocumentEventData.serialize(DocumentEventData(old_value=before)))
    with_fields_only("lease", "charge")(got.append)(Raw(data))
    assert set(DocumentEventData.deserialize(got[0].data).old_value.fields) == {"lease"}


@pytest.mark.parametrize(("name", "value"), [("status", {"a": 1}), ("lease", "none"), ("lease", 7)])
def test_a_value_of_another_kind_is_left_out(name: str, value: object) -> None:
    assert not left_of(name, value=document(**{name: value})).value.fields


@pytest.mark.parametrize("function", [enqueue, cleanup])
def test_the_deployment_tool_still_finds_the_functions(function: Any) -> None:
    assert vars(function)["__firebase_endpoint__"].entryPoint == function.__name__
