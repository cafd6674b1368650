"""The adapters of `ObjectStore`, each with what the suites have to know about it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.cloud import storage
from google.oauth2 import service_account

from gpu_worker.adapters.s3 import S3Objects
from gpu_worker.adapters.storage import FirebaseStorage
from gpu_worker.adapters.storage_urls import SIGNED_HOST, SignedUrls, TokenUrls
from shared.in_memory_objects import InMemoryObjects
from shared.ports import ObjectStore
from tests.contract.signatures import Judge, google_judge, s3_judge

BUCKET = "contract"
#: What phones know a store by, where its address is another here.
HOST = "https://storage.example"
TIMEOUT_SECONDS = 10.0
FORBIDDEN = 403
#: How long signed addresses are good here.
URL_SECONDS = 3600
#: A key of this length is made in a moment; it guards nothing.
KEY_BITS = 2048


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A store, and how to look at what it stores from outside."""

    store: ObjectStore
    #: What a plain GET of an address brings: status, headers, bytes. None: no such address.
    get: Callable[[str], requests.Response] | None = None
    #: Whether anybody may read the object of a name. None: nobody outside this process can.
    is_public: Callable[[str], bool] | None = None
    #: What says whether an address is good, where it is good for a time.
    judge: Judge | None = None
    #: Whether objects of the same bytes under one name, one after the other, can be told apart.
    tells_equals_apart: bool = True
    #: fake-gcs passes over the condition of a removal; that it is sent, unit tests show.
    server_knows_conditional_removal: bool = True


def entities(blob: storage.Blob) -> set[str]:
    """Who may do anything with it."""
    blob.acl.reload()
    return {entry["entity"] for entry in blob.acl}


def get(url: str) -> requests.Response:
    return requests.get(url, timeout=TIMEOUT_SECONDS)


def in_memory(_request: pytest.FixtureRequest) -> Iterator[Subject]:
    yield Subject(store=InMemoryObjects())


def gcs_with_tokens(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """No address is fetched: fake-gcs does not serve Firebase's; the Storage emulator does."""
    client: storage.Client = request.getfixturevalue("gcs_client")
    yield Subject(
        store=FirebaseStorage(client, BUCKET, urls=TokenUrls("https://token.example")),
        is_public=lambda name: "allUsers" in entities(client.bucket(BUCKET).blob(name)),
        server_knows_conditional_removal=False,
    )


def gcs_with_signatures(request: pytest.FixtureRequest) -> Iterator[Subject]:
    client: storage.Client = request.getfixturevalue("gcs_client")
    key: rsa.RSAPrivateKey = request.getfixturevalue("signing_key")
    address: str = request.getfixturevalue("gcs_address")

    def get_from_fake(url: str) -> requests.Response:
        """What is signed for Google's host is asked of the server here, under that name."""
        host = SIGNED_HOST.removeprefix("https://")
        here = address + url.removeprefix(SIGNED_HOST)
        return requests.get(here, headers={"Host": host}, timeout=TIMEOUT_SECONDS)

    yield Subject(
        store=FirebaseStorage(client, BUCKET, urls=SignedUrls(credentials_of(key), URL_SECONDS)),
        get=get_from_fake,
        is_public=lambda name: "allUsers" in entities(client.bucket(BUCKET).blob(name)),
        judge=google_judge(key.public_key()),
        server_knows_conditional_removal=False,
    )


def s3(request: pytest.FixtureRequest) -> Iterator[Subject]:
    client: Any = request.getfixturevalue("s3_client")
    address: str = request.getfixturevalue("s3_address")
    yield Subject(
        store=S3Objects(client, BUCKET, url_seconds=URL_SECONDS),
        get=get,
        is_public=lambda name: get(f"{address}/{BUCKET}/{name}").status_code != FORBIDDEN,
        judge=s3_judge(),
        tells_equals_apart=False,
    )


def credentials_of(key: rsa.RSAPrivateKey) -> service_account.Credentials:
    """A service account's, as from its key file."""
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return service_account.Credentials.from_service_account_info(
        {
            "type": "service_account",
            "client_email": "worker@contract.example",
            "private_key": pem.decode(),
            "token_uri": "https://tokens.example",
        }
    )


SUBJECTS = {
    "in memory": in_memory,
    "Firebase": gcs_with_tokens,
    "GCS, signed": gcs_with_signatures,
    "S3": s3,
}
#: Those whose addresses are good for a time.
SIGNED = {name: SUBJECTS[name] for name in ("GCS, signed", "S3")}


def parameters(subjects: dict[str, Callable[..., Iterator[Subject]]]) -> list[object]:
    return [pytest.param(build, id=name) for name, build in subjects.items()]
