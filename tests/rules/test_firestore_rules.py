"""The deny matrix of generations: role × operation × field, against Firestore's own rules engine.

A denial is asserted as 403 and by what the document holds afterwards.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.rules.firestore_rest import PERMISSION_DENIED, REQUEST_TIME, Firestore
from tests.rules.people import STRANGER, Person, somebody

pytestmark = pytest.mark.stack

As = Callable[[Person], Firestore]

OPEN = ("pending", "queued", "processing")
FINISHED = ("completed", "failed", "cancelled")
NEW: Mapping[str, Any] = {
    "input": {"prompt": "a red circle on a blue background"},
    "status": "pending",
    "created_at": REQUEST_TIME,
}
#: Fields that only the server writes.
SERVER_FIELDS: Mapping[str, Any] = {
    "queue": {"ahead": 0, "eta_seconds": 0},
    "progress": {"fraction": 1.0},
    "output": {"image_url": "https://example.com/not-ours.png"},
    "error": {"code": "internal", "message": "no", "retryable": False},
    "attempt": 0,
    "lease": {"token": 99, "worker_id": "me", "expires_at": None},
    "queued_at": REQUEST_TIME,
    "started_at": REQUEST_TIME,
    "completed_at": REQUEST_TIME,
    "updated_at": REQUEST_TIME,
    "timings": {"total": 0.0},
    "cost": {"gpu_seconds": 0.0},
    "expire_at": REQUEST_TIME,
    "anything_else": True,
}


def path_of(person: Person, generation_id: str | None = None) -> str:
    return f"users/{person.uid}/generations/{generation_id or uuid4().hex}"


def existing(server: Firestore, person: Person, status: str, **fields: Any) -> str:
    """A generation of `person` as the server has left it."""
    path = path_of(person)
    assert server.create(path, {**NEW, "status": status, **fields}).is_success
    return path


def fields_of(server: Firestore, path: str) -> dict[str, Any]:
    answer = server.get(path)
    assert answer.is_success, answer.text
    fields: dict[str, Any] = answer.json().get("fields", {})
    return fields


def assert_denied(answer: httpx.Response) -> None:
    assert answer.status_code == PERMISSION_DENIED, answer.text


@pytest.fixture
def owner() -> Person:
    return somebody()


@pytest.fixture(params=["another person", "a stranger"])
def intruder(request: pytest.FixtureRequest) -> Person:
    return STRANGER if request.param == "a stranger" else somebody()


class TestCreate:
    def test_an_owner_creates_a_generation(self, firestore_as: As, owner: Person) -> None:
        answer = firestore_as(owner).create(path_of(owner), NEW)
        assert answer.is_success, answer.text

    def test_nobody_creates_one_for_somebody_else(
        self, firestore_as: As, server: Firestore, owner: Person, intruder: Person
    ) -> None:
        path = path_of(owner)
        assert_denied(firestore_as(intruder).create(path, NEW))
        assert server.get(path).status_code == httpx.codes.NOT_FOUND

    @pytest.mark.parametrize("missing", ["input", "status", "created_at"])
    def test_no_field_may_be_missing(self, firestore_as: As, owner: Person, missing: str) -> None:
        fields = {name: v for name, v in NEW.items() if name != missing}
        assert_denied(firestore_as(owner).create(path_of(owner), fields))

    @pytest.mark.parametrize("extra", [*SERVER_FIELDS, "cancel_requested"])
    def test_no_other_field_may_come_along(
        self, firestore_as: As, owner: Person, extra: str
    ) -> None:
        fields = {**NEW, extra: SERVER_FIELDS.get(extra, True)}
        assert_denied(firestore_as(owner).create(path_of(owner), fields))

    @pytest.mark.parametrize(
        "status", ["queued", "processing", *FINISHED, "PENDING", "", None, 0, ["pending"]]
    )
    def test_a_generation_begins_as_pending(
        self, firestore_as: As, owner: Person, status: object
    ) -> None:
        assert_denied(firestore_as(owner).create(path_of(owner), {**NEW, "status": status}))

    @pytest.mark.parametrize(
        "created_at", [datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC), "now", 0]
    )
    def test_created_at_is_the_servers_time(
        self, firestore_as: As, owner: Person, created_at: object
    ) -> None:
        fields = {**NEW, "created_at": created_at}
        assert_denied(firestore_as(owner).create(path_of(owner), fields))

    @pytest.mark.parametrize("given", [None, "a red circle", 1, ["a red circle"], True])
    def test_the_input_is_a_map(self, firestore_as: As, owner: Person, given: object) -> None:
        assert_denied(firestore_as(owner).create(path_of(owner), {**NEW, "input": given}))

    @pytest.mark.parametrize(
        "given",
        [
            pytest.param({f"key{n}": n for n in range(33)}, id="33 keys"),
            pytest.param({"prompt": "x" * 8001}, id="long prompt"),
            pytest.param({"negative_prompt": "x" * 8001}, id="long negative prompt"),
        ],
    )
    def test_an_input_of_no_bearable_size_is_denied(
        self, firestore_as: As, owner: Person, given: dict[str, Any]
    ) -> None:
        assert_denied(firestore_as(owner).create(path_of(owner), {**NEW, "input": given}))

    @pytest.mark.parametrize(
        "given",
        [
            pytest.param({}, id="empty"),
            pytest.param({"promt": "mistyped"}, id="mistyped key"),
            pytest.param({"prompt": 5}, id="wrong type"),
            pytest.param({"prompt": "x" * 8000}, id="prompt that is too long for the model"),
            pytest.param({f"key{n}": n for n in range(32)}, id="32 keys"),
        ],
    )
    def test_a_small_wrong_input_may_come_in_to_get_its_sentence(
        self, firestore_as: As, owner: Person, given: dict[str, Any]
    ) -> None:
        answer = firestore_as(owner).create(path_of(owner), {**NEW, "input": given})
        assert answer.is_success, answer.text

    @pytest.mark.parametrize("name", [".hidden", "with space", "größe", "a" * 129, "semi;colon"])
    def test_an_id_that_is_not_safe_everywhere_is_denied(
        self, firestore_as: As, owner: Person, name: str
    ) -> None:
        assert_denied(firestore_as(owner).create(path_of(owner, name), NEW))

    @pytest.mark.parametrize("name", ["a", "A-Za-z0-9", "a.b_c:d@e", "_a", "a" * 128])
    def test_an_id_of_any_usual_form_is_fine(
        self, firestore_as: As, owner: Person, name: str
    ) -> None:
        answer = firestore_as(owner).create(path_of(owner, name), NEW)
        assert answer.is_success, answer.text

    def test_an_id_that_firestore_reserves_is_refused_by_itself(
        self, firestore_as: As, owner: Person
    ) -> None:
        answer = firestore_as(owner).create(path_of(owner, "__a__"), NEW)
        assert answer.status_code == httpx.codes.BAD_REQUEST

    def test_a_user_id_that_is_not_safe_everywhere_is_denied(self, firestore_as: As) -> None:
        odd = Person(uid="with space")
        assert_denied(firestore_as(odd).create(path_of(odd), NEW))

    def test_creating_the_same_id_twice_does_not_overwrite(
        self, firestore_as: As, server: Firestore, owner: Person
    ) -> None:
        path = existing(server, owner, "completed")
        assert not firestore_as(owner).create(path, NEW).is_success
        assert fields_of(server, path)["status"] == {"stringValue": "completed"}

    @pytest.mark.parametrize("status", [*OPEN, *FINISHED])
    def test_setting_an_existing_one_anew_is_denied(
        self, firestore_as: As, server: Firestore, owner: Person, status: str
    ) -> None:
        path = existing(server, owner, status)
        assert_denied(firestore_as(owner).replace(path, NEW))


class TestRead:
    def test_an_owner_reads_and_lists(
        self, firestore_as: As, server: Firestore, owner: Person
    ) -> None:
        path = existing(server, owner, "completed")
        assert firestore_as(owner).get(path).is_success
        listed = firestore_as(owner).list(f"users/{owner.uid}/generations")
        assert [document["name"].endswith(path) for document in listed.json()["documents"]] == [
            True
        ]

    def test_an_owner_may_look_for_one_that_is_not_there_yet(
        self, firestore_as: As, owner: Person
    ) -> None:
        assert firestore_as(owner).get(path_of(owner)).status_code == httpx.codes.NOT_FOUND

    def test_nobody_reads_or_lists_those_of_others(
        self, firestore_as: As, server: Firestore, owner: Person, intruder: Person
    ) -> None:
        path = existing(server, owner, "completed")
        assert_denied(firestore_as(intruder).get(path))
        assert_denied(firestore_as(intruder).list(f"users/{owner.uid}/generations"))

    def test_nobody_queries_the_generations_of_everybody(
        self, firestore_as: As, owner: Person
    ) -> None:
        assert_denied(firestore_as(owner).query_group("generations"))


class TestCancel:
    @pytest.mark.parametrize("status", OPEN)
    def test_an_owner_cancels_what_is_not_finished(
        self, firestore_as: As, server: Firestore, owner: Person, status: str
    ) -> None:
        path = existing(server, owner, status)
        answer = firestore_as(owner).update(path, {"cancel_requested": True})
        assert answer.is_success, answer.text
        assert fields_of(server, path)["cancel_requested"] == {"booleanValue": True}

    @pytest.mark.parametrize("status", FINISHED)
    def test_nobody_cancels_what_is_finished(
        self, firestore_as: As, server: Firestore, owner: Person, status: str
    ) -> None:
        path = existing(server, owner, status)
        assert_denied(firestore_as(owner).update(path, {"cancel_requested": True}))
        assert "cancel_requested" not in fields_of(server, path)

    def test_nobody_cancels_for_somebody_else(
        self, firestore_as: As, server: Firestore, owner: Person, intruder: Person
    ) -> None:
        path = existing(server, owner, "queued")
        assert_denied(firestore_as(intruder).update(path, {"cancel_requested": True}))

    @pytest.mark.parametrize("wanted", [False, None, "true", 1, REQUEST_TIME])
    def test_cancel_requested_is_true_and_nothing_else(
        self, firestore_as: As, server: Firestore, owner: Person, wanted: object
    ) -> None:
        path = existing(server, owner, "queued")
        assert_denied(firestore_as(owner).update(path, {"cancel_requested": wanted}))

    def test_a_cancellation_is_written_once(
        self, firestore_as: As, server: Firestore, owner: Person
    ) -> None:
        path = existing(server, owner, "processing", cancel_requested=True)
        assert_denied(firestore_as(owner).update(path, {"cancel_requested": True}))

    def test_a_cancellation_is_not_taken_back(
        self, firestore_as: As, server: Firestore, owner: Person
    ) -> None:
        path = existing(server, owner, "processing", cancel_requested=True)
        assert_denied(firestore_as(owner).update(path, {"cancel_requested": False}))
        assert_denied(firestore_as(owner).remove_field(path, "cancel_requested"))

    @pytest.mark.parametrize("also", [*SERVER_FIELDS, "input", "status", "created_at"])
    def test_no_other_field_is_changed_along_with_it(
        self, firestore_as: As, server: Firestore, owner: Person, also: str
    ) -> None:
        path = existing(server, owner, "queued")
        others = {**SERVER_FIELDS, **NEW, "input": {"prompt": "other"}}
        fields = {"cancel_requested": True, also: others[also]}
        assert_denied(firestore_as(owner).update(path, fields))


class TestUpdate:
    @pytest.mark.parametrize("field", [*SERVER_FIELDS, "input", "created_at"])
    @pytest.mark.parametrize("status", ["queued", "completed"])
    def test_no_other_field_is_the_owners_to_change(
        self, firestore_as: As, server: Firestore, owner: Person, status: str, field: str
    ) -> None:
        path = existing(server, owner, status)
        before = fields_of(server, path)
        others = {**SERVER_FIELDS, **NEW, "input": {"prompt": "other"}}
        assert_denied(firestore_as(owner).update(path, {field: others[field]}))
        assert fields_of(server, path) == before

    @pytest.mark.parametrize("new", ["pending", *FINISHED])
    def test_the_status_is_not_the_owners_to_change(
        self, firestore_as: As, server: Firestore, owner: Person, new: str
    ) -> None:
        path = existing(server, owner, "processing")
        assert_denied(firestore_as(owner).update(path, {"status": new}))

    @pytest.mark.parametrize("field", ["input", "status", "created_at"])
    def test_no_field_is_the_owners_to_remove(
        self, firestore_as: As, server: Firestore, owner: Person, field: str
    ) -> None:
        path = existing(server, owner, "queued")
        assert_denied(firestore_as(owner).remove_field(path, field))


class TestDelete:
    @pytest.mark.parametrize("status", FINISHED)
    def test_an_owner_deletes_what_is_finished(
        self, firestore_as: As, server: Firestore, owner: Person, status: str
    ) -> None:
        path = existing(server, owner, status)
        assert firestore_as(owner).delete(path).is_success
        assert server.get(path).status_code == httpx.codes.NOT_FOUND

    @pytest.mark.parametrize("status", OPEN)
    def test_nobody_deletes_what_still_runs(
        self, firestore_as: As, server: Firestore, owner: Person, status: str
    ) -> None:
        path = existing(server, owner, status)
        assert_denied(firestore_as(owner).delete(path))
        assert server.get(path).is_success

    def test_nobody_deletes_those_of_others(
        self, firestore_as: As, server: Firestore, owner: Person, intruder: Person
    ) -> None:
        path = existing(server, owner, "completed")
        assert_denied(firestore_as(intruder).delete(path))


class TestElsewhere:
    @pytest.mark.parametrize(
        "path", ["users/{uid}", "users/{uid}/account/usage", "settings/limits", "anything/at-all"]
    )
    def test_no_other_document_is_anybodys(
        self, firestore_as: As, server: Firestore, owner: Person, path: str
    ) -> None:
        theirs = path.format(uid=owner.uid)
        phone = firestore_as(owner)
        assert_denied(phone.get(theirs))
        assert_denied(phone.create(theirs, NEW))
        assert server.replace(theirs, {"made": "by the server"}).is_success
        assert_denied(phone.get(theirs))
        assert_denied(phone.update(theirs, {"made": "by me"}))
        assert_denied(phone.delete(theirs))

    def test_nothing_below_a_generation_is_anybodys(
        self, firestore_as: As, server: Firestore, owner: Person
    ) -> None:
        below = f"{existing(server, owner, 'completed')}/notes/one"
        assert_denied(firestore_as(owner).create(below, NEW))
        assert_denied(firestore_as(owner).get(below))
