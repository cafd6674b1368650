"""What the tests of the stack start it with: a function and rules of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.stack import Stack, running_stack

FUNCTION = '''
"""Publishes nothing, writes nothing: says which document it was told of, and its bound."""
import os

from firebase_functions import firestore_fn


@firestore_fn.on_document_created(document="users/{uid}/generations/{id}")
def told(event: firestore_fn.Event[firestore_fn.DocumentSnapshot | None]) -> None:
    bound = os.environ.get("EMBERFRAME_MAX_IMAGES", "the usual number of")
    print("told of", event.params["id"], "allowing", bound, "images", flush=True)
'''

FIRESTORE_RULES = """
rules_version = '2';
service cloud.firestore {
  match /databases/{database}/documents {
    match /users/{uid}/{rest=**} { allow read, write: if request.auth.uid == uid; }
  }
}
"""

STORAGE_RULES = """
rules_version = '2';
service firebase.storage {
  match /b/{bucket}/o {
    match /users/{uid}/{name} {
      allow read: if request.auth.uid == uid;
      allow create: if request.auth.uid == uid
        && request.resource.size < 16
        && request.resource.contentType == 'image/png';
    }
    match /shared/{first}/{second} {
      function card(name) {
        return firestore.get(
          /databases/(default)/documents/users/$(request.auth.uid)/cards/$(name)).data;
      }
      allow create: if card(first).open == true && card(second).open == true;
    }
  }
}
"""


@pytest.fixture(scope="session")
def functions_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with one function, `told`."""
    folder = tmp_path_factory.mktemp("functions")
    (folder / "main.py").write_text(FUNCTION, "utf-8")
    return folder


@pytest.fixture(scope="session")
def rules_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with FIRESTORE_RULES and STORAGE_RULES."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "firestore.rules").write_text(FIRESTORE_RULES, "utf-8")
    (folder / "storage.rules").write_text(STORAGE_RULES, "utf-8")
    return folder


@pytest.fixture(scope="session")
def stack(
    tmp_path_factory: pytest.TempPathFactory, functions_source: Path, rules_source: Path
) -> Iterator[Stack]:
    """A real stack without a worker; the tests of this folder share it."""
    with running_stack(
        tmp_path_factory.mktemp("stack"),
        worker=False,
        functions_source=functions_source,
        rules_source=rules_source,
    ) as started:
        yield started
