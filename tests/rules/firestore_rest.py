"""Firestore through its REST interface, as one person or as the server, whom no rule binds."""

import base64
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.rules.people import Person


class _RequestTime:
    """Firestore's own time of the request, as `serverTimestamp()` of the client SDKs asks for."""

    def __repr__(self) -> str:
        return "the server's time"


REQUEST_TIME = _RequestTime()


@dataclass(frozen=True)
class Stored:
    """A value as the REST interface writes it, for those that Python has no type for."""

    rest: dict[str, Any]


@dataclass(frozen=True)
class Firestore:
    """Each method returns the answer of the server; nothing is raised for a denial."""

    http: httpx.Client
    #: host:port
    address: str
    project: str
    #: Whose token goes along; None is the server (the emulator's "owner" token).
    person: Person | None

    def create(self, path: str, fields: Mapping[str, Any]) -> httpx.Response:
        return self._commit(
            {"update": self._document(path, fields), "currentDocument": {"exists": False}},
            fields,
        )

    def update(self, path: str, fields: Mapping[str, Any]) -> httpx.Response:
        """Set these fields, leave the others."""
        mask = {"fieldPaths": [name for name in fields if fields[name] is not REQUEST_TIME]}
        write = {"update": self._document(path, fields), "updateMask": mask}
        return self._commit({**write, "currentDocument": {"exists": True}}, fields)

    def replace(self, path: str, fields: Mapping[str, Any]) -> httpx.Response:
        """Write the document anew, whatever was there: what `set()` without merge does."""
        return self._commit({"update": self._document(path, fields)}, fields)

    def write(self, path: str, fields: Mapping[str, Any]) -> httpx.Response:
        """`replace` with fields that are written as the REST interface writes them already."""
        return self._commit({"update": {"name": self._name(path), "fields": dict(fields)}}, {})

    def remove_field(self, path: str, field: str) -> httpx.Response:
        write = {"update": self._document(path, {}), "updateMask": {"fieldPaths": [field]}}
        return self._commit({**write, "currentDocument": {"exists": True}}, {})

    def delete(self, path: str) -> httpx.Response:
        return self._commit({"delete": self._name(path)}, {})

    def get(self, path: str) -> httpx.Response:
        return self.http.get(f"{self._documents}/{path}", headers=self._headers)

    def list(self, collection: str) -> httpx.Response:
        return self.http.get(f"{self._documents}/{collection}", headers=self._headers)

    def find(self, path: str) -> httpx.Response:
        """The document by a query for its name: what `list` allows, not `get`."""
        # Of a collection at the top there is no document above.
        parent, _, collection = path.rpartition("/")[0].rpartition("/")
        named = {
            "field": {"fieldPath": "__name__"},
            "op": "EQUAL",
            "value": {"referenceValue": self._name(path)},
        }
        structured = {"from": [{"collectionId": collection}], "where": {"fieldFilter": named}}
        return self.query(parent, structured)

    def query_group(self, collection: str) -> httpx.Response:
        """Every collection of that name below any document."""
        query = {"from": [{"collectionId": collection, "allDescendants": True}]}
        return self.http.post(
            f"{self._documents}:runQuery", headers=self._headers, json={"structuredQuery": query}
        )

    def query(self, parent: str, structured: Mapping[str, Any]) -> httpx.Response:
        """A `StructuredQuery` over the collections below the document `parent`, or at the top."""
        return self.http.post(
            f"{self._documents}{f'/{parent}' if parent else ''}:runQuery",
            headers=self._headers,
            json={"structuredQuery": structured},
        )

    @property
    def _documents(self) -> str:
        return f"http://{self.address}/v1/projects/{self.project}/databases/(default)/documents"

    @property
    def _headers(self) -> dict[str, str]:
        if self.person is None:
            return {"Authorization": "Bearer owner"}
        return self.person.headers(self.project)

    def _name(self, path: str) -> str:
        return f"projects/{self.project}/databases/(default)/documents/{path}"

    def _document(self, path: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        stored = {name: value(v) for name, v in fields.items() if v is not REQUEST_TIME}
        return {"name": self._name(path), "fields": stored}

    def _commit(self, write: Mapping[str, Any], fields: Mapping[str, Any]) -> httpx.Response:
        transforms = [
            {"fieldPath": name, "setToServerValue": "REQUEST_TIME"}
            for name, v in fields.items()
            if v is REQUEST_TIME
        ]
        whole = {**write, "updateTransforms": transforms} if transforms else write
        return self.http.post(
            f"{self._documents}:commit", headers=self._headers, json={"writes": [whole]}
        )


_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
#: Python type → how Firestore's REST interface writes its values.
_WRITTEN: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    type(None): lambda _: {"nullValue": None},
    bool: lambda it: {"booleanValue": it},
    int: lambda it: {"integerValue": str(it)},
    float: lambda it: {"doubleValue": it if math.isfinite(it) else _NOT_FINITE[str(it)]},
    str: lambda it: {"stringValue": it},
    bytes: lambda it: {"bytesValue": base64.b64encode(it).decode()},
    datetime: lambda it: {"timestampValue": it.astimezone(UTC).isoformat().replace("+00:00", "Z")},
    list: lambda it: {"arrayValue": {"values": [value(item) for item in it]}},
    dict: lambda it: {"mapValue": {"fields": {key: value(item) for key, item in it.items()}}},
    Stored: lambda it: it.rest,
}


def value(python: Any) -> dict[str, Any]:
    """A Python value as Firestore's REST interface writes it."""
    return _WRITTEN[type(python)](python)
