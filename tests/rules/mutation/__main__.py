"""`python -m tests.rules.mutation`: every mutant of both files of rules on a stack of its own.

Exit code 1 when a mutant changed something that no cell noticed, or when a reason that is given for
one that changes nothing is wrong. Writes RESULT, of which `bench.walls` makes the docs' figures.
"""

import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx

from tests.rules.coverage import expressions, share
from tests.rules.matrix.document_desk import DocumentDesk
from tests.rules.matrix.firestore_cases import document_cases
from tests.rules.matrix.storage_cases import file_cases
from tests.rules.mutation.equivalents import EQUIVALENT
from tests.rules.mutation.grounds import (
    FIRESTORE_RULES,
    STORAGE_RULES,
    document_hunter,
    every,
    file_hunter,
)
from tests.rules.mutation.hunt import hunt
from tools.stack import Stack, running_stack
from tools.stack.names import BUILD

RESULT = BUILD / "walls" / "mutants.json"
REQUEST_TIMEOUT_SECONDS = 60


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_stack(Path(folder), worker=False) as stack,
        httpx.Client(timeout=REQUEST_TIMEOUT_SECONDS) as http,
    ):
        figures: dict[str, Any] = {"matrix": _matrix(stack, http), "mutants": {}}
        with document_hunter(stack, http) as documents:
            found = {FIRESTORE_RULES.name: hunt(every(FIRESTORE_RULES), documents, print)}
        with file_hunter(stack, http) as files:
            found[STORAGE_RULES.name] = hunt(every(STORAGE_RULES), files, print)
    mistakes = []
    for file, hunted in found.items():
        figures["mutants"][file] = {
            "made": hunted.made,
            "killed": len(hunted.killed),
            "equivalent": len(hunted.survived),
            "refused": len(hunted.refused),
        }
        print(f"{file}: {figures['mutants'][file]}")
        mistakes += hunted.mistakes(EQUIVALENT[file])
    print(*mistakes, sep="\n")
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=1))
    return 1 if mistakes else 0


def _matrix(stack: Stack, http: httpx.Client) -> dict[str, float]:
    desk = DocumentDesk(http, stack.firestore)
    desk.load(FIRESTORE_RULES.read_text("utf-8"))
    documents = document_cases()
    for case in documents:
        desk.allows(case)
    verdicts = [*(it.allowed for it in documents), *(it.allowed for it in file_cases())]
    return {
        "cells": len(verdicts),
        "denials": verdicts.count(False),
        "coverage": share(expressions(desk.coverage())),
    }


if __name__ == "__main__":
    sys.exit(main())
