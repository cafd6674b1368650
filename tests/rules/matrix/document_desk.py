"""Tries cells of the deny matrix on a Firestore emulator, under whatever rules it is given.

One project a desk. What a try changed is put back before the next, so that a cell's verdict depends
on the rules alone and cells may be tried in any order and more than once.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from itertools import count
from typing import Any
from uuid import uuid4

import httpx

from tests.rules.firestore_rest import REQUEST_TIME, Firestore, value
from tests.rules.matrix.case import NO_SETTING, OWNERS, Role, cast
from tests.rules.matrix.does import DocumentCase, Does

SETTING = "settings/access"
READING = (Does.GET, Does.LIST, Does.FIND, Does.QUERY_GROUP)
#: What the server answers to a request that the rules let through.
LET_THROUGH = (HTTPStatus.OK, HTTPStatus.NOT_FOUND)
#: What it answers to one that they turned away.
DENIALS = (HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED)
#: Also to a token that is none, before any rule is asked.
NO_TOKEN = HTTPStatus.BAD_REQUEST


class RulesRefused(Exception):
    """The rules do not compile; the compiler's words."""


class DocumentDesk:
    def __init__(self, http: httpx.Client, address: str, project: str | None = None) -> None:
        """`address` is the emulator's host:port."""
        self.project = project or f"demo-matrix-{uuid4().hex[:8]}"
        self._http = http
        self._url = f"http://{address}/emulator/v1/projects/{self.project}"
        self._people = cast()
        self._as = {
            role: Firestore(http, address, self.project, person)
            for role, person in self._people.items()
        }
        self._server = Firestore(http, address, self.project, None)
        #: None: what an earlier run left is not known.
        self._setting: Mapping[str, Any] | None = None
        self._ids = count()
        #: Where each cell was tried last.
        self._places: dict[DocumentCase, str] = {}
        #: Cells whose place is theirs alone and as it was before them.
        self._ready: set[DocumentCase] = set()

    def load(self, rules: str) -> None:
        """Raises `RulesRefused`."""
        body = {"rules": {"files": [{"name": "firestore.rules", "content": rules}]}}
        answer = self._http.put(f"{self._url}:securityRules", json=body)
        if answer.status_code == HTTPStatus.BAD_REQUEST:
            raise RulesRefused(answer.text)
        answer.raise_for_status()

    def coverage(self) -> Mapping[str, Any]:
        """What the emulator saw of the rules since they were loaded."""
        answer = self._http.get(f"{self._url}:ruleCoverage").raise_for_status()
        report: Mapping[str, Any] = answer.json()
        return report

    def allows(self, case: DocumentCase) -> bool:
        """Try it."""
        self._set(case.setting)
        if case not in self._ready:
            self._places[case] = self._lay_out(case)
        self._ready.discard(case)
        path = self._places[case]
        answer = self._request(case, path)
        denied = answer.status_code in DENIALS or (
            case.role is Role.FORGER and answer.status_code == NO_TOKEN
        )
        assert denied or answer.status_code in LET_THROUGH, f"{case.name}: {answer.text}"
        if denied or case.operation in READING:
            # Places without an id are those of other cells too.
            self._ready |= {case} if "{id}" in case.place else set()
        else:
            self._done(self._server.delete(path))
        return not denied

    def untouched(self, case: DocumentCase) -> bool:
        """Whether the document of the cell tried last is as it was before."""
        if case.operation in READING:
            return True
        found = self._server.get(self._places[case])
        if case.before is None:
            return found.status_code == HTTPStatus.NOT_FOUND
        fields = found.json().get("fields", {})
        known = {name: value(v) for name, v in case.before.items() if v is not REQUEST_TIME}
        return bool(fields.keys() == case.before.keys() and {**fields, **known} == fields)

    def _request(self, case: DocumentCase, path: str) -> httpx.Response:
        client, given = self._as[case.role], case.given
        tries: Mapping[Does, Callable[[], httpx.Response]] = {
            Does.CREATE: lambda: client.create(path, given),
            Does.GET: lambda: client.get(path),
            Does.LIST: lambda: client.list(path),
            Does.FIND: lambda: client.find(path),
            Does.QUERY_GROUP: lambda: client.query_group(path),
            Does.UPDATE: lambda: client.update(path, given),
            Does.REPLACE: lambda: client.replace(path, given),
            Does.REMOVE: lambda: client.remove_field(path, next(iter(given))),
            Does.DELETE: lambda: client.delete(path),
        }
        return tries[case.operation]()

    def _lay_out(self, case: DocumentCase) -> str:
        owner = self._people[case.role if case.role in OWNERS else Role.OWNER]
        assert owner is not None
        path = case.place.format(uid=owner.uid, id=f"c{next(self._ids)}")
        if case.before is not None:
            self._done(self._server.replace(path, case.before))
        elif "{id}" not in case.place and case.operation not in (Does.LIST, Does.QUERY_GROUP):
            self._done(self._server.delete(path))
        return path

    def _set(self, setting: Mapping[str, Any]) -> None:
        if setting == self._setting:
            return
        if setting == NO_SETTING:
            self._done(self._server.delete(SETTING))
        else:
            self._done(self._server.replace(SETTING, setting))
        self._setting = setting

    @staticmethod
    def _done(answer: httpx.Response) -> None:
        assert answer.is_success, answer.text
