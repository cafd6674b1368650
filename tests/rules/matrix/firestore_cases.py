"""The deny matrix of documents. Everything that is not listed as allowed must be denied."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tests.rules.firestore_rest import REQUEST_TIME, Stored
from tests.rules.generations import FINISHED, NEW, OPEN, SERVER_FIELDS
from tests.rules.matrix.case import INTRUDERS, Role
from tests.rules.matrix.device_cases import devices
from tests.rules.matrix.does import DocumentCase, Does
from tests.rules.matrix.operator_cases import operators

#: {uid} is the owner's, {id} an id that nothing else uses.
GENERATION = "users/{uid}/generations/{id}"
USAGE = "users/{uid}/account/usage"
CANCEL: Mapping[str, Any] = {"cancel_requested": True}


cell = partial(DocumentCase, place=GENERATION)


def document_cases() -> list[DocumentCase]:
    return [
        *by_role(),
        *operators(),
        *devices(),
        *anonymous_accounts(),
        *creations(),
        *inputs(),
        *ids(),
        *cancellations(),
        *changes(),
        *deletions(),
        *places(),
    ]


def kept(status: str, **fields: Any) -> Mapping[str, Any]:
    """A generation as the server has left it."""
    return {**NEW, "status": status, **fields}


def by_role() -> Iterator[DocumentCase]:
    """Every operation at its most harmless, by everybody."""
    for role in Role:
        own = role not in INTRUDERS
        yield cell(role, Does.CREATE, "a generation", own and role is not Role.ODD, given=NEW)
        yield cell(role, Does.GET, "a generation", own, before=kept("completed"))
        yield cell(role, Does.GET, "a generation that is not there", own)
        yield cell(role, Does.LIST, "generations", own, place="users/{uid}/generations")
        yield cell(role, Does.FIND, "a generation", own, before=kept("completed"))
        yield cell(role, Does.UPDATE, "to cancel", own, before=kept("queued"), given=CANCEL)
        yield cell(role, Does.DELETE, "what is finished", own, before=kept("completed"))
        yield cell(role, Does.GET, "the usage", own, place=USAGE, before={"credits": 1})
        # From here on only the server.
        server = role is Role.SERVER
        yield cell(role, Does.QUERY_GROUP, "generations", server, place="generations")
        yield cell(role, Does.REPLACE, "", server, before=kept("completed"), given=NEW)
        yield cell(
            role, Does.REMOVE, "the status", server, before=kept("queued"), given={"status": None}
        )
        yield cell(role, Does.CREATE, "the usage", server, place=USAGE, given={"credits": 99})
        for does in (Does.UPDATE, Does.REPLACE, Does.DELETE):
            yield cell(
                role, does, "the usage", server, place=USAGE, before={"credits": 1},
                given={"credits": 99},
            )  # fmt: skip
        yield cell(role, Does.LIST, "the account", server, place="users/{uid}/account")
        yield cell(role, Does.FIND, "the usage", server, place=USAGE, before={"credits": 1})


def anonymous_accounts() -> Iterator[DocumentCase]:
    """The one setting: whether anonymous accounts may begin something new."""
    yield cell(Role.ANONYMOUS, Does.CREATE, "without a setting", True, given=NEW)
    for setting, allowed in (
        ({"anonymous_users": True}, True),
        ({"anything_else": False}, True),
        ({"anonymous_users": False}, False),
        ({"anonymous_users": "yes"}, False),
        ({"anonymous_users": None}, False),
    ):
        what = f"where {setting}"
        yield cell(Role.ANONYMOUS, Does.CREATE, what, allowed, given=NEW, setting=setting)
        yield cell(Role.OWNER, Does.CREATE, what, True, given=NEW, setting=setting)
    shut = {"anonymous_users": False}
    for does, what, before, given in (
        (Does.GET, "theirs", kept("completed"), None),
        (Does.UPDATE, "to cancel", kept("queued"), CANCEL),
        (Does.DELETE, "what is finished", kept("failed"), None),
    ):
        yield cell(
            Role.ANONYMOUS, does, f"{what} where {shut}", True, before=before, given=given,
            setting=shut,
        )  # fmt: skip


def creations() -> Iterator[DocumentCase]:
    def denied(what: str, given: Mapping[str, Any]) -> DocumentCase:
        return cell(Role.OWNER, Does.CREATE, what, False, given=given)

    for field in NEW:
        without = {name: value for name, value in NEW.items() if name != field}
        yield denied(f"without {field}", without)
    yield denied("without any field", {})
    for field, value in {**SERVER_FIELDS, **CANCEL}.items():
        yield denied(f"with {field}", {**NEW, field: value})
    for status in ("queued", "processing", *FINISHED, "PENDING", "", None, 0, ["pending"]):
        yield denied(f"as {status!r}", {**NEW, "status": status})
    for moment in (datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC), "now", 0):
        yield denied(f"at {moment}", {**NEW, "created_at": moment})
    for given in (None, "a red circle", 1, ["a red circle"], True, False, b"{}"):
        yield denied(f"with the input {given!r}", {**NEW, "input": given})


#: Texts of this length come in, and none longer.
LONGEST_TEXT = 8000
TEXTS = ("prompt", "negative_prompt", "loras")
ADDRESSES = ("image_url", "mask_url")
#: What no parameter of that kind may be; a list, only `loras` may be.
NEVER: Mapping[str, Any] = {
    "bytes": b"x",
    "a map": {"a": 1},
    "a moment": datetime(2026, 1, 1, tzinfo=UTC),
    "a place": Stored({"geoPointValue": {"latitude": 1, "longitude": 2}}),
    "a reference": Stored(
        {"referenceValue": "projects/other/databases/(default)/documents/secret/one"}
    ),
}
SMALL_AND_WRONG: Mapping[str, Any] = {
    "nothing": {},
    "a mistyped key": {"promt": "a dog"},
    "32 keys": {f"key{n}": n for n in range(32)},
    "eight loras": {"prompt": "a dog", "loras": [{"name": f"l{n}"} for n in range(8)]},
    "no loras": {"prompt": "a dog", "loras": []},
}
TOO_BIG: Mapping[str, Any] = {
    "33 keys": {f"key{n}": n for n in range(33)},
    "nine loras": {"prompt": "a dog", "loras": [{"name": f"l{n}"} for n in range(9)]},
}


def inputs() -> Iterator[DocumentCase]:
    """What is small comes in, however wrong, to get its sentence."""

    def cell_of(what: str, allowed: bool, given: Mapping[str, Any]) -> DocumentCase:
        return cell(Role.OWNER, Does.CREATE, f"with {what}", allowed, given={**NEW, "input": given})

    for name in (*TEXTS, *ADDRESSES):
        yield cell_of(f"a {name} of {LONGEST_TEXT}", True, {name: "x" * LONGEST_TEXT})
        longer = {name: "x" * (LONGEST_TEXT + 1)}
        yield cell_of(f"a {name} of {LONGEST_TEXT + 1}", name in ADDRESSES, longer)
        for small in (5, 2.5, float("nan"), True, False, None, ""):
            yield cell_of(f"the {name} {small!r}", True, {name: small})
        for kind, value in NEVER.items():
            yield cell_of(f"a {name} that is {kind}", False, {name: value})
        yield cell_of(f"a {name} that is a list", name == "loras", {name: ["x"]})
    for what, given in SMALL_AND_WRONG.items():
        yield cell_of(what, True, given)
    for what, given in TOO_BIG.items():
        yield cell_of(what, False, given)


def ids() -> Iterator[DocumentCase]:
    for name in ("a", "A-Za-z0-9", "a.b_c:d@e", "_a", "a" * 128):
        place = GENERATION.replace("{id}", name)
        yield cell(Role.OWNER, Does.CREATE, f"under the id {name}", True, given=NEW, place=place)
    for name in (".hidden", "with space", "größe", "a" * 129, "semi;colon", ":a", "@a"):
        place = GENERATION.replace("{id}", name)
        yield cell(Role.OWNER, Does.CREATE, f"under the id {name}", False, given=NEW, place=place)


def cancellations() -> Iterator[DocumentCase]:
    def owner(what: str, allowed: bool, before: Any, given: Any = CANCEL) -> DocumentCase:
        return cell(Role.OWNER, Does.UPDATE, what, allowed, before=before, given=given)

    for status in OPEN:
        yield owner(f"to cancel what is {status}", True, kept(status))
    for status in (*FINISHED, "anything_else"):
        yield owner(f"to cancel what is {status}", False, kept(status))
    yield owner("to cancel what is not to be", True, kept("queued", cancel_requested=False))
    yield owner("to cancel again", False, kept("processing", **CANCEL))
    yield owner("to cancel again, with a second field", False, kept("queued", **CANCEL), NEW)
    for wanted in (False, None, "true", 1, REQUEST_TIME):
        given = {"cancel_requested": wanted}
        yield owner(f"cancel_requested to {wanted!r}", False, kept("queued"), given)
        yield owner(f"it back to {wanted!r}", False, kept("queued", **CANCEL), given)
    for field, value in {**SERVER_FIELDS, **NEW, "input": {"prompt": "other"}}.items():
        yield owner(f"to cancel, and {field}", False, kept("queued"), {**CANCEL, field: value})
    yield cell(
        Role.OWNER, Does.REMOVE, "the cancellation", False, before=kept("queued", **CANCEL),
        given=CANCEL,
    )  # fmt: skip


def changes() -> Iterator[DocumentCase]:
    for status in ("queued", "completed"):
        for field, value in {**SERVER_FIELDS, **NEW, "input": {"prompt": "other"}}.items():
            yield cell(
                Role.OWNER, Does.UPDATE, f"{field} of what is {status}", False,
                before=kept(status), given={field: value},
            )  # fmt: skip
    for status in (*OPEN, *FINISHED):
        yield cell(
            Role.OWNER, Does.UPDATE, f"the status to {status}", False,
            before=kept("queued" if status == "processing" else "processing"),
            given={"status": status},
        )  # fmt: skip
        yield cell(
            Role.OWNER, Does.REPLACE, f"what is {status}", False, before=kept(status), given=NEW
        )
    for field in NEW:
        yield cell(
            Role.OWNER, Does.REMOVE, field, False, before=kept("queued"), given={field: None}
        )


def deletions() -> Iterator[DocumentCase]:
    for status in FINISHED:
        yield cell(Role.OWNER, Does.DELETE, f"what is {status}", True, before=kept(status))
    for status in (*OPEN, "anything_else"):
        yield cell(Role.OWNER, Does.DELETE, f"what is {status}", False, before=kept(status))


#: Nobody's but the server's.
ELSEWHERE = (
    "users/{uid}",
    "users/{uid}/account/{id}",
    "users/{uid}/account/usage/days/{id}",
    "users/{uid}/generations/{id}/notes/one",
    "users/{uid}/notices/{id}",
    "users/{uid}/other/{id}",
    "users/{uid}/other/usage",
    "people/{uid}/account/usage",
    "people/{uid}/generations/{id}",
    "people/{id}/users/{uid}/generations/{id}",
    "settings/limits",
    "settings/access",
    "generations/{id}",
    "anything/at-all",
)


def places() -> Iterator[DocumentCase]:
    for place in ELSEWHERE:
        for does, before in (
            (Does.GET, None),
            (Does.CREATE, None),
            (Does.GET, kept("completed")),
            (Does.UPDATE, kept("queued")),
            (Does.DELETE, kept("completed")),
        ):
            given = {Does.CREATE: NEW, Does.UPDATE: CANCEL}.get(does)
            if place == "settings/access" and before is not None:
                continue  # the setting of other cases
            there = "" if before is None else ", which is there"
            yield cell(
                Role.OWNER, does, f"{place}{there}", False, place=place, before=before, given=given
            )
        yield cell(Role.SERVER, Does.GET, place, True, place=place)
    for collection in ("users/{uid}/other", "users", "settings", "users/{uid}/account"):
        yield cell(Role.OWNER, Does.LIST, collection, False, place=collection)
