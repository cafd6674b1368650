"""Clients of the emulators that the adapters under test are built on, and a place for each test."""

import uuid
from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from shared.ports import DocumentStore
from tests.contract.adapters import STORES, BuildStore, each_of
from tests.contract.gcs_server import running_gcs_server

BUCKET = "contract"


@pytest.fixture(scope="session")
def gcs_client() -> Iterator[storage.Client]:
    """A GCS server that honours preconditions, which Firebase's Storage emulator ignores."""
    with running_gcs_server() as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", address)
        client = storage.Client(project="contract", credentials=AnonymousCredentials())
        client.create_bucket(BUCKET)
        patch.undo()
        yield client
        client.close()


@pytest.fixture
def path() -> str:
    """A document nobody else uses; not a generation, so that the function leaves it alone."""
    return f"contract/{uuid.uuid4().hex}"


@pytest.fixture(params=each_of(STORES))
def documents(request: pytest.FixtureRequest) -> DocumentStore:
    build: BuildStore = request.param
    return build(request)
