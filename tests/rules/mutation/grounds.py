"""Where the mutants of each file are hunted: on a stack's emulators, beside what else uses them."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.rules.matrix.document_desk import DocumentDesk
from tests.rules.matrix.does import DocumentCase
from tests.rules.matrix.file_desk import FileDesk
from tests.rules.matrix.firestore_cases import document_cases
from tests.rules.matrix.storage_cases import FileCase, file_cases
from tests.rules.mutation.equivalents import EQUIVALENT
from tests.rules.mutation.hunt import Hunter
from tests.rules.mutation.mutants import Mutant, mutants
from tools.stack import Stack
from tools.stack.names import REPOSITORY

FIRESTORE_RULES = REPOSITORY / "firestore.rules"
STORAGE_RULES = REPOSITORY / "storage.rules"
#: Which of them a sample has is the same on every day and machine.
SEED = 6


@contextmanager
def document_hunter(stack: Stack, http: httpx.Client) -> Iterator[Hunter[DocumentCase]]:
    """In a project of its own."""
    desk = DocumentDesk(http, stack.firestore)
    yield Hunter(desk, desk.load, document_cases())


@contextmanager
def file_hunter(stack: Stack, http: httpx.Client) -> Iterator[Hunter[FileCase]]:
    """In a bucket of its own; the stack's own bucket keeps its rules meanwhile."""
    desk = FileDesk(http, storage=stack.storage, firestore=stack.firestore, project=stack.project)
    beside = (stack.bucket, STORAGE_RULES)
    try:
        yield Hunter(desk, lambda rules: desk.load(rules, beside=beside), file_cases())
    finally:
        desk.close()
        desk.restore(STORAGE_RULES)


def every(file: Path) -> Sequence[Mutant]:
    return mutants(file.read_text("utf-8"))


def sample(file: Path, count: int) -> Sequence[Mutant]:
    """Of those that must be noticed, drawn by SEED."""
    noticeable = [it for it in every(file) if it.name not in EQUIVALENT[file.name]]
    return random.Random(SEED).sample(noticeable, count)
