"""Clients of the emulators that the adapters under test are built on, and a place for each test."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from shared.ports import DocumentStore
from tests.contract.adapters import STORES, BuildStore, each_of
from tests.contract.gcs_server import running_gcs_server
from tests.contract.object_stores import BUCKET, HOST, KEY_BITS
from tests.contract.s3_server import make_bucket, running_s3_server, worker_client


@pytest.fixture(scope="session")
def gcs_address() -> Iterator[str]:
    """A GCS server that honours preconditions, which Firebase's Storage emulator ignores."""
    with running_gcs_server() as address:
        yield address


@pytest.fixture(scope="session")
def gcs_client(gcs_address: str) -> Iterator[storage.Client]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", gcs_address)
        client = storage.Client(project="contract", credentials=AnonymousCredentials())
        client.create_bucket(BUCKET)
    yield client
    client.close()


@pytest.fixture(scope="session")
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    with running_s3_server() as address:
        make_bucket(worker_client(address), BUCKET)
        yield address


@pytest.fixture(scope="session")
def s3_client(s3_address: str) -> Any:
    return worker_client(s3_address)


@pytest.fixture(scope="session")
def s3_signer() -> Any:
    """For the address that phones know the store by."""
    return worker_client(HOST)


@pytest.fixture
def path() -> str:
    """A document nobody else uses; not a generation, so that the function leaves it alone."""
    return f"contract/{uuid.uuid4().hex}"


@pytest.fixture(params=each_of(STORES))
def documents(request: pytest.FixtureRequest) -> DocumentStore:
    build: BuildStore = request.param
    return build(request)
