"""The deny matrix of devices: a person notes and clears away their own; only the server reads."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.rules.firestore_rest import REQUEST_TIME
from tests.rules.matrix.case import INTRUDERS, OWNERS, Role
from tests.rules.matrix.does import DocumentCase as Cell
from tests.rules.matrix.does import Does

DEVICE = "users/{uid}/devices/{id}"
NEW: Mapping[str, Any] = {"token": "t1:APA91b", "platform": "android", "updated_at": REQUEST_TIME}
LONGEST_TOKEN = 4096


def devices() -> Iterator[Cell]:
    for role in Role:
        own, server = role not in INTRUDERS, role is Role.SERVER
        yield Cell(role, Does.CREATE, "a device", own, place=DEVICE, given=NEW)
        for does in (Does.UPDATE, Does.REPLACE, Does.DELETE):
            yield Cell(role, does, "a device", own, place=DEVICE, before=NEW, given=NEW)
        yield Cell(role, Does.GET, "a device", server, place=DEVICE, before=NEW)
        yield Cell(role, Does.GET, "a device that is not there", server, place=DEVICE)
        yield Cell(role, Does.FIND, "a device", server, place=DEVICE, before=NEW)
        yield Cell(role, Does.LIST, "devices", server, place="users/{uid}/devices")
        yield Cell(role, Does.QUERY_GROUP, "devices", server, place="devices")
    yield from contents()
    yield from places()


def contents() -> Iterator[Cell]:
    def cells(what: str, allowed: bool, given: Mapping[str, Any]) -> Iterator[Cell]:
        create, replace = f"a device {what}", f"a device by one {what}"
        yield Cell(Role.OWNER, Does.CREATE, create, allowed, place=DEVICE, given=given)
        yield Cell(
            Role.OWNER, Does.REPLACE, replace, allowed, place=DEVICE, before=NEW, given=given
        )

    for platform in ("android", "ios", "web"):
        yield from cells(f"of {platform}", True, {**NEW, "platform": platform})
    for wrong in ("Android", "anything_else", "", None, 1, ["android"], {"android": True}):
        yield from cells(f"of {wrong!r}", False, {**NEW, "platform": wrong})
    for length in (1, LONGEST_TOKEN):
        yield from cells(f"with a token of {length}", True, {**NEW, "token": "t" * length})
    for length in (0, LONGEST_TOKEN + 1):
        yield from cells(f"with a token of {length}", False, {**NEW, "token": "t" * length})
    for token in (None, 1, True, False, ["t"], {"t": 1}, b"t"):
        yield from cells(f"with the token {token!r}", False, {**NEW, "token": token})
    for moment in (datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC), "now", 0):
        yield from cells(f"of {moment}", False, {**NEW, "updated_at": moment})
    for field in NEW:
        without = {name: value for name, value in NEW.items() if name != field}
        yield from cells(f"without {field}", False, without)
        yield Cell(
            Role.OWNER, Does.REMOVE, f"{field} of a device", False, place=DEVICE, before=NEW,
            given={field: None},
        )  # fmt: skip
    yield from cells("without anything", False, {})
    yield from cells("with another field", False, {**NEW, "anything_else": "my phone"})
    for field in ("token", "platform"):
        yield Cell(
            Role.OWNER, Does.UPDATE, f"{field} and not the time", False, place=DEVICE,
            before={**NEW, "updated_at": datetime(2026, 1, 1, tzinfo=UTC)},
            given={field: NEW[field]},
        )  # fmt: skip


def places() -> Iterator[Cell]:
    for name in ("a", "A-Za-z0-9", "a.b_c:d@e", "d" * 128):
        place = DEVICE.replace("{id}", name)
        yield Cell(Role.OWNER, Does.CREATE, f"the device {name}", True, place=place, given=NEW)
    for name in (".hidden", "with space", "d" * 129):
        place = DEVICE.replace("{id}", name)
        yield Cell(Role.OWNER, Does.CREATE, f"the device {name}", False, place=place, given=NEW)
    for role in OWNERS:
        for place in (
            "devices/{id}",
            "people/{uid}/devices/{id}",
            "users/{uid}/gadgets/{id}",
            "users/{uid}/devices/{id}/more/one",
            "users/{uid}/account/devices",
        ):
            yield Cell(role, Does.CREATE, f"{place}, a device", False, place=place, given=NEW)
            yield Cell(role, Does.DELETE, f"{place}, a device", False, place=place, before=NEW)
