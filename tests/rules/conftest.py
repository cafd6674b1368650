"""Firestore and Storage of the stack, as any person of the matrix.

Firestore's matrix has a project of its own: no function listens there, so that every document stays
as its test left it.
"""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.rules.firestore_rest import Firestore
from tests.rules.people import STRANGER, Person, somebody
from tests.rules.storage_rest import Storage
from tools.stack import Stack
from tools.stack.names import REPOSITORY

REQUEST_TIMEOUT_SECONDS = 20
RULES_PROJECT = "demo-rules"


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=REQUEST_TIMEOUT_SECONDS) as client:
        yield client


@pytest.fixture(scope="session")
def firestore_address(stack: Stack, http: httpx.Client) -> str:
    """host:port of the emulator, once it holds firestore.rules for RULES_PROJECT."""
    rules = {"name": "firestore.rules", "content": (REPOSITORY / "firestore.rules").read_text()}
    http.put(
        f"http://{stack.firestore}/emulator/v1/projects/{RULES_PROJECT}:securityRules",
        json={"rules": {"files": [rules]}},
    ).raise_for_status()
    return stack.firestore


@pytest.fixture
def firestore_as(firestore_address: str, http: httpx.Client) -> Callable[[Person], Firestore]:
    return lambda person: Firestore(http, firestore_address, RULES_PROJECT, person)


@pytest.fixture
def server(firestore_address: str, http: httpx.Client) -> Firestore:
    """Writes what only the server may."""
    return Firestore(http, firestore_address, RULES_PROJECT, None)


@pytest.fixture
def storage_as(stack: Stack, http: httpx.Client) -> Callable[[Person | None], Storage]:
    return lambda person: Storage(http, stack.storage, stack.project, stack.bucket, person)


@pytest.fixture
def owner() -> Person:
    return somebody()


@pytest.fixture(params=["another person", "a stranger"])
def intruder(request: pytest.FixtureRequest) -> Person:
    return STRANGER if request.param == "a stranger" else somebody()
