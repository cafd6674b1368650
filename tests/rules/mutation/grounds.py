"""Where the mutants of each file are hunted: on a stack's emulators, beside what else uses them."""

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

from tests.rules.matrix.document_desk import DocumentDesk
from tests.rules.matrix.file_desk import FileDesk
from tests.rules.matrix.firestore_cases import document_cases
from tests.rules.matrix.storage_cases import file_cases
from tests.rules.mutation.equivalents import EQUIVALENT
from tests.rules.mutation.hunt import Hunt, hunt
from tests.rules.mutation.mutants import Mutant, mutants
from tools.stack import Stack
from tools.stack.names import REPOSITORY

FIRESTORE_RULES = REPOSITORY / "firestore.rules"
STORAGE_RULES = REPOSITORY / "storage.rules"
#: Which of them a sample has is the same on every day and machine.
SEED = 6

Say = Callable[[str], None]


def hunt_documents(
    stack: Stack, http: httpx.Client, sample: int | None = None, say: Say = print
) -> Hunt:
    """`sample`: how many of those that must be noticed, drawn by SEED; None: all."""
    desk = DocumentDesk(http, stack.firestore)
    return hunt(_chosen(FIRESTORE_RULES, sample), desk, desk.load, document_cases(), say)


def hunt_files(
    stack: Stack, http: httpx.Client, sample: int | None = None, say: Say = print
) -> Hunt:
    """The stack's own bucket keeps its rules meanwhile."""
    desk = FileDesk(http, storage=stack.storage, firestore=stack.firestore, project=stack.project)
    chosen = _chosen(STORAGE_RULES, sample)
    beside = (stack.bucket, STORAGE_RULES)
    try:
        return hunt(chosen, desk, lambda it: desk.load(it, beside=beside), file_cases(), say)
    finally:
        desk.close()
        desk.restore(STORAGE_RULES)


HUNTS: Mapping[str, Callable[..., Hunt]] = {
    FIRESTORE_RULES.name: hunt_documents,
    STORAGE_RULES.name: hunt_files,
}


def _chosen(file: Path, sample: int | None) -> Sequence[Mutant]:
    every = mutants(file.read_text("utf-8"))
    if sample is None:
        return every
    noticeable = [it for it in every if it.name not in EQUIVALENT[file.name]]
    return random.Random(SEED).sample(noticeable, sample)
