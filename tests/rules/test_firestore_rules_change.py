"""The deny matrix of generations, cancelling, updating and deleting: role × operation × field.

A denial is asserted as 403 and by what the document holds afterwards.
"""

import httpx
import pytest

from tests.rules.firestore_rest import REQUEST_TIME, Firestore
from tests.rules.generations import (
    FINISHED,
    NEW,
    OPEN,
    SERVER_FIELDS,
    As,
    assert_denied,
    existing,
    fields_of,
)
from tests.rules.people import Person

pytestmark = pytest.mark.stack


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
