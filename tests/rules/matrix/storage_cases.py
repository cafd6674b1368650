"""The deny matrix of files. Everything that is not listed as allowed must be denied."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from tests.rules.matrix.case import INTRUDERS, Case, Role

OUTPUT = "users/{uid}/generations/{id}/1/0.png"
INPUT = "users/{uid}/inputs/{id}.png"
MEBIBYTE = 1024 * 1024
PNG = b"\x89PNG\r\n\x1a\n"


class Does(StrEnum):
    UPLOAD = "uploads"
    DOWNLOAD = "downloads"
    #: Its size, type and so on.
    DESCRIBE = "describes"
    LIST = "lists"
    #: Its content type.
    CHANGE = "changes"
    DELETE = "deletes"


@dataclass(frozen=True)
class File:
    data: bytes = PNG
    content_type: str = "image/png"


FileCase = Case[Does]
cell = partial(FileCase, place=INPUT)


def file_cases() -> list[FileCase]:
    return [
        *by_role(),
        *anonymous_accounts(),
        *images(),
        *names(),
        *places(),
    ]


def by_role() -> Iterator[FileCase]:
    """Every operation at its most harmless, by everybody."""
    for role in Role:
        own = role not in INTRUDERS
        server = role is Role.SERVER
        yield cell(role, Does.UPLOAD, "an input", own, given=File())
        yield cell(role, Does.UPLOAD, "over an input", server, before=File(), given=File(b"other"))
        yield cell(role, Does.UPLOAD, "an output", server, place=OUTPUT, given=File())
        yield cell(
            role, Does.UPLOAD, "over an output", server, place=OUTPUT, before=File(),
            given=File(b"other"),
        )  # fmt: skip
        for what, place in (("an input", INPUT), ("an output", OUTPUT)):
            yield cell(role, Does.DOWNLOAD, what, own, place=place, before=File())
            yield cell(role, Does.DESCRIBE, what, own, place=place, before=File())
            yield cell(role, Does.DOWNLOAD, f"{what} that is not there", own, place=place)
            yield cell(
                role, Does.CHANGE, what, server, place=place, before=File(),
                given=File(content_type="image/webp"),
            )  # fmt: skip
            yield cell(role, Does.DELETE, what, server, place=place, before=File())
        for folder in ("generations/{id}/1/", "generations/{id}/", "generations/"):
            yield cell(role, Does.LIST, f"their {folder}", own, place=f"users/{{uid}}/{folder}")
        for place in ("", "users/", "users/{uid}/"):
            yield cell(role, Does.LIST, f"everything below '{place}'", server, place=place)


def anonymous_accounts() -> Iterator[FileCase]:
    """The one setting: whether anonymous accounts may begin something new."""
    for setting, allowed in (
        ({"anonymous_users": True}, True),
        ({"anything_else": False}, True),
        ({"anonymous_users": False}, False),
        ({"anonymous_users": "yes"}, False),
    ):
        what = f"an input where {setting}"
        yield cell(Role.ANONYMOUS, Does.UPLOAD, what, allowed, given=File(), setting=setting)
        yield cell(Role.OWNER, Does.UPLOAD, what, True, given=File(), setting=setting)
    shut = {"anonymous_users": False}
    for place in (INPUT, OUTPUT):
        what = f"{place} where {shut}"
        yield cell(
            Role.ANONYMOUS, Does.DOWNLOAD, what, True, place=place, before=File(), setting=shut
        )


def images() -> Iterator[FileCase]:
    for kind in ("image/png", "image/jpeg", "image/webp"):
        yield cell(Role.OWNER, Does.UPLOAD, kind, True, given=File(content_type=kind))
    for kind in (
        "image/svg+xml",
        "image/gif",
        "image/tiff",
        "text/html",
        "application/octet-stream",
        "video/mp4",
        "image/pngx",
        "ximage/png",
        "image/png; charset=utf-8",
    ):
        yield cell(Role.OWNER, Does.UPLOAD, kind, False, given=File(content_type=kind))
    for size, allowed in ((0, False), (1, True), (20 * MEBIBYTE, True), (20 * MEBIBYTE + 1, False)):
        yield cell(Role.OWNER, Does.UPLOAD, f"{size} bytes", allowed, given=File(bytes(size)))


def names() -> Iterator[FileCase]:
    for name in ("dog{id}.png", ".dog{id}", "..dog{id}.png", "dog{id}..", "größe{id} (1).png"):
        place = f"users/{{uid}}/inputs/{name}"
        yield cell(Role.OWNER, Does.UPLOAD, place, True, place=place, given=File())
    for name in ("..", ".", "...", "folder/{id}.png", "../{id}.png", "../generations/{id}.png"):
        place = f"users/{{uid}}/inputs/{name}"
        yield cell(Role.OWNER, Does.UPLOAD, place, False, place=place, given=File())


def places() -> Iterator[FileCase]:
    """Nobody's but the server's."""
    for place in (
        "users/{uid}",
        "users/{uid}/{id}.png",
        "users/{uid}/inputs",
        "users/{uid}/other/{id}.png",
        "people/{uid}/inputs/{id}.png",
        "people/{uid}/generations/{id}.png",
        "inputs/{id}.png",
        "{id}.png",
        "users/{id}.png",
    ):
        yield cell(Role.OWNER, Does.UPLOAD, place, False, place=place, given=File())
        yield cell(Role.OWNER, Does.DOWNLOAD, place, False, place=place, before=File())
        yield cell(Role.OWNER, Does.DELETE, place, False, place=place, before=File())
        yield cell(Role.SERVER, Does.DOWNLOAD, place, True, place=place, before=File())
    yield cell(
        Role.OWNER, Does.DOWNLOAD, "a file in a folder of their inputs", False,
        place="users/{uid}/inputs/folder/{id}.png", before=File(),
    )  # fmt: skip
