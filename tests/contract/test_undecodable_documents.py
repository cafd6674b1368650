"""Documents with values that the client library cannot decode: only they are given up."""

from collections.abc import Callable

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from gpu_worker.adapters.firestore import FirestoreDocuments as WorkerDocuments
from shared.ports import DocumentStore, NotInput
from tests.contract.adapters import read
from trigger.adapters.firestore import FirestoreDocuments as TriggerDocuments


@pytest.mark.stack
@pytest.mark.parametrize("store", [TriggerDocuments, WorkerDocuments])
def test_an_input_that_cannot_be_decoded_reads_as_unreadable_beside_the_server_s_fields(
    firestore_client: firestore.Client,
    path: str,
    store: Callable[[firestore.Client], DocumentStore],
) -> None:
    other = firestore.Client(project="other", credentials=AnonymousCredentials())
    given = {"prompt": "x", "deep": [{"reference": other.document("a/b")}]}
    firestore_client.document(path).create({"input": given, "status": "pending"})
    documents = store(firestore_client)
    snapshot = read(documents, path)
    assert dict(snapshot.data) == {"input": NotInput.UNREADABLE, "status": "pending"}
    documents.update(path, {"status": "failed"}, expected=snapshot.version)
    other.close()


@pytest.mark.stack
@pytest.mark.parametrize("store", [TriggerDocuments, WorkerDocuments])
def test_a_server_s_field_that_cannot_be_decoded_reads_as_not_there(
    firestore_client: firestore.Client,
    path: str,
    store: Callable[[firestore.Client], DocumentStore],
) -> None:
    other = firestore.Client(project="other", credentials=AnonymousCredentials())
    spoilt = {"status": other.document("a/b"), "attempt": 2, "input": {}}
    firestore_client.document(path).create(spoilt)
    documents = store(firestore_client)
    snapshot = read(documents, path)
    assert dict(snapshot.data) == {"input": NotInput.UNREADABLE, "attempt": 2}
    documents.update(path, {"status": "failed"}, expected=snapshot.version)
    other.close()
