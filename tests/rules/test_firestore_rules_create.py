"""The deny matrix of generations, creating: who, with which fields, values and ids.

A denial is asserted as 403 and by what the document holds afterwards.
"""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.rules.firestore_rest import Firestore
from tests.rules.generations import (
    FINISHED,
    NEW,
    OPEN,
    SERVER_FIELDS,
    As,
    assert_denied,
    existing,
    fields_of,
    path_of,
)
from tests.rules.people import Person

pytestmark = pytest.mark.stack


def test_an_owner_creates_a_generation(firestore_as: As, owner: Person) -> None:
    answer = firestore_as(owner).create(path_of(owner), NEW)
    assert answer.is_success, answer.text


def test_nobody_creates_one_for_somebody_else(
    firestore_as: As, server: Firestore, owner: Person, intruder: Person
) -> None:
    path = path_of(owner)
    assert_denied(firestore_as(intruder).create(path, NEW))
    assert server.get(path).status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize("missing", ["input", "status", "created_at"])
def test_no_field_may_be_missing(firestore_as: As, owner: Person, missing: str) -> None:
    fields = {name: v for name, v in NEW.items() if name != missing}
    assert_denied(firestore_as(owner).create(path_of(owner), fields))


@pytest.mark.parametrize("extra", [*SERVER_FIELDS, "cancel_requested"])
def test_no_other_field_may_come_along(firestore_as: As, owner: Person, extra: str) -> None:
    fields = {**NEW, extra: SERVER_FIELDS.get(extra, True)}
    assert_denied(firestore_as(owner).create(path_of(owner), fields))


@pytest.mark.parametrize(
    "status", ["queued", "processing", *FINISHED, "PENDING", "", None, 0, ["pending"]]
)
def test_a_generation_begins_as_pending(firestore_as: As, owner: Person, status: object) -> None:
    assert_denied(firestore_as(owner).create(path_of(owner), {**NEW, "status": status}))


@pytest.mark.parametrize(
    "created_at", [datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC), "now", 0]
)
def test_created_at_is_the_servers_time(
    firestore_as: As, owner: Person, created_at: object
) -> None:
    fields = {**NEW, "created_at": created_at}
    assert_denied(firestore_as(owner).create(path_of(owner), fields))


@pytest.mark.parametrize("given", [None, "a red circle", 1, ["a red circle"], True])
def test_the_input_is_a_map(firestore_as: As, owner: Person, given: object) -> None:
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
    firestore_as: As, owner: Person, given: dict[str, Any]
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
    firestore_as: As, owner: Person, given: dict[str, Any]
) -> None:
    answer = firestore_as(owner).create(path_of(owner), {**NEW, "input": given})
    assert answer.is_success, answer.text


@pytest.mark.parametrize("name", [".hidden", "with space", "größe", "a" * 129, "semi;colon"])
def test_an_id_that_is_not_safe_everywhere_is_denied(
    firestore_as: As, owner: Person, name: str
) -> None:
    assert_denied(firestore_as(owner).create(path_of(owner, name), NEW))


@pytest.mark.parametrize("name", ["a", "A-Za-z0-9", "a.b_c:d@e", "_a", "a" * 128])
def test_an_id_of_any_usual_form_is_fine(firestore_as: As, owner: Person, name: str) -> None:
    answer = firestore_as(owner).create(path_of(owner, name), NEW)
    assert answer.is_success, answer.text


def test_an_id_that_firestore_reserves_is_refused_by_itself(
    firestore_as: As, owner: Person
) -> None:
    answer = firestore_as(owner).create(path_of(owner, "__a__"), NEW)
    assert answer.status_code == httpx.codes.BAD_REQUEST


def test_a_user_id_that_is_not_safe_everywhere_is_denied(firestore_as: As) -> None:
    odd = Person(uid="with space")
    assert_denied(firestore_as(odd).create(path_of(odd), NEW))


def test_creating_the_same_id_twice_does_not_overwrite(
    firestore_as: As, server: Firestore, owner: Person
) -> None:
    path = existing(server, owner, "completed")
    assert not firestore_as(owner).create(path, NEW).is_success
    assert fields_of(server, path)["status"] == {"stringValue": "completed"}


@pytest.mark.parametrize("status", [*OPEN, *FINISHED])
def test_setting_an_existing_one_anew_is_denied(
    firestore_as: As, server: Firestore, owner: Person, status: str
) -> None:
    path = existing(server, owner, status)
    assert_denied(firestore_as(owner).replace(path, NEW))
