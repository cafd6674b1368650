"""Tries cells of the deny matrix on a Storage emulator, in a bucket of its own.

What a try changed is put back before the next, so that a cell's verdict depends on the rules alone
and cells may be tried in any order and more than once.
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.rules.firestore_rest import Firestore
from tests.rules.matrix.case import NO_SETTING, OWNERS, Role, cast
from tests.rules.matrix.document_desk import SETTING, RulesRefused
from tests.rules.matrix.storage_cases import Does, File, FileCase
from tests.rules.storage_rest import Storage

READING = (Does.DOWNLOAD, Does.DESCRIBE, Does.LIST)
#: What the emulator answers to a request that the rules let through.
LET_THROUGH = (HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND)
#: What it answers to one that they turned away, by operation.
DENIALS = (HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED)


class FileDesk:
    """`settings/access` of the emulators' own project is changed, and removed by `close`."""

    def __init__(self, http: httpx.Client, *, storage: str, firestore: str, project: str) -> None:
        """`storage` and `firestore` are host:port."""
        self.bucket = f"matrix-{uuid4().hex[:8]}"
        self._http = http
        self._url = f"http://{storage}/internal/setRules"
        self._people = cast()
        self._as = {
            role: Storage(http, storage, project, self.bucket, person)
            for role, person in self._people.items()
        }
        self._server = self._as[Role.SERVER]
        self._documents = Firestore(http, firestore, project, None)
        #: None: what an earlier run left is not known.
        self._setting: Mapping[str, Any] | None = None
        self._ids = count()
        #: Where each cell was tried last.
        self._places: dict[FileCase, str] = {}
        #: Cells whose place is theirs alone and as it was before them.
        self._ready: set[FileCase] = set()

    def load(self, rules: str, *, beside: tuple[str, Path]) -> None:
        """Put `rules` before this bucket, and those of the file before the bucket of `beside`.

        Raises `RulesRefused`.
        """
        bucket, file = beside
        real = {"name": str(file), "content": file.read_text("utf-8"), "resource": bucket}
        # The emulator watches the file of this name; there is none.
        ours = {"name": f"{file}.{self.bucket}", "content": rules, "resource": self.bucket}
        self._put([real, ours])

    def restore(self, file: Path) -> None:
        """The rules of `file` before all buckets, as the stack began."""
        self._put([{"name": str(file), "content": file.read_text("utf-8")}])

    def close(self) -> None:
        self._set(NO_SETTING)

    def allows(self, case: FileCase) -> bool:
        """Try it."""
        self._set(case.setting)
        if case not in self._ready:
            self._places[case] = self._lay_out(case)
        self._ready.discard(case)
        name = self._places[case]
        answer = self._request(case, name)
        denied = answer.status_code in DENIALS
        assert denied or answer.status_code in LET_THROUGH, f"{case.name}: {answer.text[:300]}"
        if denied or case.operation in READING:
            # Places without an id are those of other cells too.
            self._ready |= {case} if "{id}" in case.place else set()
        else:
            self._server.delete(name)
        return not denied

    def untouched(self, case: FileCase) -> bool:
        """Whether the file of the cell tried last is as it was before."""
        if case.operation in READING:
            return True
        found = self._server.download(self._places[case])
        if case.before is None:
            return found.status_code == HTTPStatus.NOT_FOUND
        kept: File = case.before
        return (found.content, found.headers["Content-Type"]) == (kept.data, kept.content_type)

    def _request(self, case: FileCase, name: str) -> httpx.Response:
        client, given = self._as[case.role], case.given
        tries: Mapping[Does, Callable[[], httpx.Response]] = {
            Does.UPLOAD: lambda: client.upload(name, given.data, given.content_type),
            Does.DOWNLOAD: lambda: client.download(name),
            Does.DESCRIBE: lambda: client.describe(name),
            Does.LIST: lambda: client.list(name),
            Does.CHANGE: lambda: client.set_content_type(name, given.content_type),
            Does.DELETE: lambda: client.delete(name),
        }
        return tries[case.operation]()

    def _lay_out(self, case: FileCase) -> str:
        owner = self._people[case.role if case.role in OWNERS else Role.OWNER]
        assert owner is not None
        name = case.place.format(uid=owner.uid, id=f"c{next(self._ids)}")
        if case.before is not None:
            stored = self._server.upload(name, case.before.data, case.before.content_type)
            assert stored.is_success, stored.text
        elif "{id}" not in case.place and case.operation is not Does.LIST:
            self._server.delete(name)
        return name

    def _set(self, setting: Mapping[str, Any]) -> None:
        if setting == self._setting:
            return
        if setting == NO_SETTING:
            answer = self._documents.delete(SETTING)
        else:
            answer = self._documents.replace(SETTING, setting)
        assert answer.is_success, answer.text
        self._setting = setting

    def _put(self, files: Sequence[Mapping[str, str]]) -> None:
        answer = self._http.put(self._url, json={"rules": {"files": files}})
        if answer.status_code == HTTPStatus.BAD_REQUEST:
            raise RulesRefused(answer.text)
        answer.raise_for_status()
