"""What the worker asks Google Cloud Storage for, word for word: fakes pass over much of it."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import storage
from requests.adapters import BaseAdapter

from gpu_worker.adapters.storage import FirebaseStorage

NAME = "users/ann/generations/g1/7/0.png"


class Recorder(BaseAdapter):
    """Answers everything with an object's description, and keeps what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.asked.append(request)
        answer = requests.Response()
        answer.status_code = 200
        answer.request = request
        answer._content = b'{"name": "x", "generation": "17"}'
        return answer

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def objects(recorder: Recorder) -> FirebaseStorage:
    session = AuthorizedSession(AnonymousCredentials())
    session.mount("https://", recorder)
    client = storage.Client(project="p", credentials=AnonymousCredentials(), _http=session)
    return FirebaseStorage(client, "pictures")


def sent(recorder: Recorder, method: str) -> tuple[dict[str, list[str]], bytes]:
    """Query and body of the one request of the kind; the client asks for other things, too."""
    (request,) = [it for it in recorder.asked if it.method == method]
    body = request.body
    return parse_qs(urlsplit(str(request.url)).query), body if isinstance(body, bytes) else b""


def test_an_upload_is_private_checked_and_never_over_another(
    recorder: Recorder, objects: FirebaseStorage
) -> None:
    objects.create(NAME, b"\x89PNG", content_type="image/png")
    query, body = sent(recorder, "POST")
    assert query == {"uploadType": ["multipart"], "ifGenerationMatch": ["0"]}  # and no ACL
    assert b'"cacheControl": "private, max-age=31536000, immutable"' in body
    assert b'"md5Hash": ' in body
    assert b"content-type: image/png" in body
    assert b"acl" not in body


@pytest.mark.parametrize(("generation", "query"), [(17, {"ifGenerationMatch": ["17"]}), (None, {})])
def test_a_removal_is_bound_to_the_object_that_was_stored(
    recorder: Recorder, objects: FirebaseStorage, generation: int | None, query: dict[str, Any]
) -> None:
    objects.delete(NAME, generation=generation)
    asked, _ = sent(recorder, "DELETE")
    asked.pop("prettyPrint", None)
    assert asked == query
