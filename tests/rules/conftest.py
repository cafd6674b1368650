"""The deny matrices, each cell tried once a session, and the coverage that the rules had by them.

Firestore's has a project of its own: no function listens there. Storage's has a bucket of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from tests.rules.firestore_rest import Firestore
from tests.rules.matrix.document_desk import DocumentDesk
from tests.rules.matrix.does import DocumentCase
from tests.rules.matrix.file_desk import FileDesk
from tests.rules.matrix.firestore_cases import document_cases
from tests.rules.matrix.storage_cases import FileCase
from tests.rules.matrix.trial import Trials
from tests.rules.people import Person
from tools.stack import Stack
from tools.stack.names import REPOSITORY

REQUEST_TIMEOUT_SECONDS = 60
FIRESTORE_RULES = REPOSITORY / "firestore.rules"


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=REQUEST_TIMEOUT_SECONDS) as client:
        yield client


@pytest.fixture(scope="session")
def document_desk(stack: Stack, http: httpx.Client) -> DocumentDesk:
    desk = DocumentDesk(http, stack.firestore)
    desk.load(FIRESTORE_RULES.read_text("utf-8"))
    return desk


@pytest.fixture(scope="session")
def document_trials(document_desk: DocumentDesk) -> Trials[DocumentCase]:
    return Trials(document_desk)


@pytest.fixture(scope="session")
def coverage(
    document_desk: DocumentDesk, document_trials: Trials[DocumentCase]
) -> Mapping[str, Any]:
    """The emulator's report of what the whole matrix evaluated."""
    for case in document_cases():
        document_trials.of(case)
    return document_desk.coverage()


@pytest.fixture(scope="session")
def file_trials(stack: Stack, http: httpx.Client) -> Iterator[Trials[FileCase]]:
    desk = FileDesk(http, storage=stack.storage, firestore=stack.firestore, project=stack.project)
    yield Trials(desk)
    desk.close()


@pytest.fixture
def firestore_as(
    document_desk: DocumentDesk, stack: Stack, http: httpx.Client
) -> Callable[[Person | None], Firestore]:
    """Any person, or the server, in the documents' matrix's project."""
    return lambda person: Firestore(http, stack.firestore, document_desk.project, person)
