"""Firebase Storage through the REST interface of its client SDKs, as one person or the server."""

from dataclasses import dataclass
from urllib.parse import quote

import httpx

from tests.rules.people import Person


@dataclass(frozen=True)
class Storage:
    """Each method returns the answer of the server; nothing is raised for a denial."""

    http: httpx.Client
    #: host:port
    address: str
    project: str
    bucket: str
    #: Whose token goes along; None is the server (the emulator's "owner" token).
    person: Person | None

    def upload(self, name: str, data: bytes, content_type: str = "image/png") -> httpx.Response:
        """A simple upload: the body is the object."""
        return self.http.post(
            self._objects,
            params={"name": name, "uploadType": "media"},
            content=data,
            headers={**self._headers, "Content-Type": content_type},
        )

    def download(self, name: str) -> httpx.Response:
        return self.http.get(self._object(name), params={"alt": "media"}, headers=self._headers)

    def describe(self, name: str) -> httpx.Response:
        return self.http.get(self._object(name), headers=self._headers)

    def set_content_type(self, name: str, content_type: str) -> httpx.Response:
        return self.http.patch(
            self._object(name), json={"contentType": content_type}, headers=self._headers
        )

    def list(self, prefix: str) -> httpx.Response:
        return self.http.get(
            self._objects, params={"prefix": prefix, "delimiter": "/"}, headers=self._headers
        )

    def delete(self, name: str) -> httpx.Response:
        return self.http.delete(self._object(name), headers=self._headers)

    @property
    def _objects(self) -> str:
        return f"http://{self.address}/v0/b/{self.bucket}/o"

    def _object(self, name: str) -> str:
        return f"{self._objects}/{quote(name, safe='')}"

    @property
    def _headers(self) -> dict[str, str]:
        if self.person is None:
            return {"Authorization": "Bearer owner"}
        return self.person.headers(self.project)
