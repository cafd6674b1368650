"""A project's database on the stack's Firestore emulator, without rules, as servers see it.

Projects other than the stack's own have no functions: nobody acts on their documents but the test.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from google.cloud import firestore

from tools.stack import Stack


@contextmanager
def database_of(stack: Stack, project: str) -> Iterator[firestore.Client]:
    """A client of `project`, closed with the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIRESTORE_EMULATOR_HOST", stack.firestore)
        client = firestore.Client(project=project)
    try:
        yield client
    finally:
        client.close()
