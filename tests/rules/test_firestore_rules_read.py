"""The deny matrix of generations, reading and listing; and every other document."""

import httpx
import pytest

from tests.rules.firestore_rest import Firestore
from tests.rules.generations import NEW, As, assert_denied, existing, path_of
from tests.rules.people import Person

pytestmark = pytest.mark.stack


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


class TestElsewhere:
    @pytest.mark.parametrize(
        "path", ["users/{uid}", "users/{uid}/account/other", "settings/limits", "anything/at-all"]
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

    def test_people_read_their_own_usage_and_nobody_else_s_and_write_none(
        self, firestore_as: As, server: Firestore, owner: Person, intruder: Person
    ) -> None:
        usage = f"users/{owner.uid}/account/usage"
        phone = firestore_as(owner)
        assert phone.get(usage).status_code == httpx.codes.NOT_FOUND
        assert_denied(phone.create(usage, {"spent": {}}))
        assert server.replace(usage, {"spent": {}}).is_success
        assert phone.get(usage).is_success
        assert_denied(phone.list(f"users/{owner.uid}/account"))
        assert_denied(phone.query_group("account"))
        for person in (phone, firestore_as(intruder)):
            assert_denied(person.update(usage, {"granted": {"daily_credits": 10**9}}))
            assert_denied(person.replace(usage, {"spent": {}}))
            assert_denied(person.remove_field(usage, "spent"))
            assert_denied(person.delete(usage))
        assert_denied(firestore_as(intruder).get(usage))
        assert_denied(phone.create(f"{usage}/notes/one", {"mine": True}))

    def test_nothing_below_a_generation_is_anybodys(
        self, firestore_as: As, server: Firestore, owner: Person
    ) -> None:
        below = f"{existing(server, owner, 'completed')}/notes/one"
        assert_denied(firestore_as(owner).create(below, NEW))
        assert_denied(firestore_as(owner).get(below))
