"""Malformed documents end to end: written past the rules, accepted by the function's use case, and,
as if a faulty function had published them all the same, handed to a worker's lifecycle.

Real adapters on real emulators. Each document has to end as `failed`, `invalid_input`, with a
sentence, at the first try, or be a good request by chance.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from hypothesis import HealthCheck, given, settings

from shared.document import Generation
from shared.errors import InvalidInput
from shared.parse import parse_owned_request
from shared.paths import GenerationPath
from shared.ports import DocumentStore, MessagePublisher
from tests.fuzz.malformed import documents
from tests.fuzz.parsing import assert_sentence
from tests.rules.firestore_rest import Firestore
from trigger.enqueue import Outcome, enqueue

UID = "fuzz"
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Database:
    """One project's Firestore, as an administrator writes it and as the function sees it."""

    rest: Firestore
    store: DocumentStore
    publisher: MessagePublisher

    def write(self, fields: Fields) -> GenerationPath | None:
        """None: Firestore itself does not take such a document."""
        path = GenerationPath(uid=UID, generation_id=uuid4().hex)
        answer = self.rest.write(str(path), fields)
        if answer.status_code == httpx.codes.BAD_REQUEST:
            return None
        assert answer.is_success, answer.text
        return path

    def fields(self, path: GenerationPath) -> Fields:
        """As Firestore's REST interface writes them."""
        answer = self.rest.get(str(path)).raise_for_status()
        found: Fields = answer.json()["fields"]
        return found

    def holds_a_good_request(self, path: GenerationPath) -> bool:
        """What the parser says; how it was written by the server does not matter."""
        snapshot = self.store.read(str(path))
        assert snapshot is not None
        try:
            generation = Generation.from_document(path, snapshot.data)
            generation.check_input()
            parse_owned_request(generation.input, path)
        except InvalidInput:
            return False
        return True

    def accept(self, path: GenerationPath, fields: Fields) -> Outcome:
        """What the function does with the event of this document's creation."""
        status = fields.get("status", {})
        created = {"status": status["stringValue"]} if "stringValue" in status else {}
        return enqueue(str(path), created, documents=self.store, publisher=self.publisher)


def draw_documents(count: int) -> list[Fields]:
    """Different ones."""
    #: By a digest: some have texts of a hundred kilobytes.
    drawn: dict[bytes, Fields] = {}

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        # Where CI is set, Hypothesis would draw the same ones again and again.
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(documents)
    def draw(fields: Fields) -> None:
        drawn[hashlib.sha256(repr(fields).encode()).digest()] = fields

    while len(drawn) < count:
        draw()
    return list(drawn.values())[:count]


def refused_at_arrival(database: Database, drawn: Iterable[Fields]) -> int:
    """Accept each, twice; how many were refused. The others must be good requests."""
    refused = 0
    for fields in drawn:
        path = database.write(fields)
        if path is None:
            continue
        outcome = database.accept(path, fields)
        after = database.fields(path)
        if outcome is Outcome.ACCEPTED:
            assert after["status"] == {"stringValue": "queued"}
            assert database.holds_a_good_request(path)
            continue
        assert outcome is Outcome.REFUSED, outcome
        assert_ended(after)
        assert database.accept(path, fields) is Outcome.ALREADY_DONE
        assert database.fields(path) == after
        refused += 1
    return refused


def publishable(drawn: Iterable[Fields]) -> list[Fields]:
    """As a faulty function would have left them: queued, whatever else they are."""
    return [{**fields, "status": {"stringValue": "queued"}} for fields in drawn]


def assert_ended(fields: Fields) -> None:
    """Failed for its input, in a sentence, at the first try."""
    assert fields["status"] == {"stringValue": "failed"}, fields["status"]
    error = fields["error"]["mapValue"]["fields"]
    assert error["code"] == {"stringValue": "invalid_input"}, error
    assert error["retryable"] == {"booleanValue": False}
    assert_sentence(error["message"]["stringValue"])
    assert "completed_at" in fields
    assert attempts(fields) <= 1


def attempts(fields: Fields) -> int:
    return int(fields.get("attempt", {"integerValue": 0})["integerValue"])


def by_end(database: Database, paths: Sequence[GenerationPath]) -> tuple[int, int]:
    """How many failed for their input, which is checked, and how many were good by chance."""
    failed = 0
    for path in paths:
        fields = database.fields(path)
        if not database.holds_a_good_request(path):
            assert_ended(fields)
            failed += 1
    return failed, len(paths) - failed
