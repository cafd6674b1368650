"""The TypeScript client against the emulators and a real worker: its own tests, run in Node.

They are written in TypeScript, as an app would be; here each of them is one test. What they read
is then held against what the server wrote.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud import firestore

from shared.public_document import PublicGeneration
from tests.e2e.typescript_client import Told, compile_client, names_of_tests, run_tests
from tests.public_documents import check_public
from tools.stack import Stack
from tools.stack.worker import Worker

FILES = (
    "generate.test.ts",
    "own.test.ts",
    "progress.test.ts",
    "quiet.test.ts",
    "refusals.test.ts",
)
NAMES = [(file, name) for file in FILES for name in names_of_tests(file)]

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def read_documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the client writes down what it has read."""
    path = tmp_path_factory.mktemp("read") / "documents.jsonl"
    path.touch()
    return path


@pytest.fixture(scope="module")
def told(
    stack: Stack, worker: Worker, read_documents: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Told]:
    client = compile_client(tmp_path_factory.mktemp("typescript"))
    environment = {**stack.env(), "EMBERFRAME_READ_DOCUMENTS": str(read_documents)}
    return {name: it for file in FILES for name, it in run_tests(client, file, environment).items()}


@pytest.mark.parametrize(("file", "name"), NAMES, ids=[name for _, name in NAMES])
def test_client(told: dict[str, Told], file: str, name: str) -> None:
    assert name in told, f"Node did not run it: {file}"
    assert told[name].passed, told[name].error


def test_what_the_client_read_is_what_the_server_wrote(
    told: dict[str, Told], read_documents: Path, firestore_client: firestore.Client
) -> None:
    pairs = list(documents(read_documents, firestore_client))
    assert {it["status"] for it, _ in pairs} == {"completed", "failed", "cancelled"}
    for read, written in pairs:
        assert check_public(read) == written


def documents(
    read: Path, client: firestore.Client
) -> Iterator[tuple[dict[str, Any], PublicGeneration]]:
    """What the client has read, as JSON, and what is there."""
    for line in read.read_text().splitlines():
        said = json.loads(line)
        written = client.document(said["path"]).get().to_dict()
        yield said["generation"], check_public(written)
