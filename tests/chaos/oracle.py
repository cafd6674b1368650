"""Judges a scenario by what it left behind: every promise broken is one violation.

Pure, so that its own tests can show it each violation and see that it is caught.
"""

import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import unquote

from PIL import Image

from gpu_worker.media.film_probe import probe_film
from shared.claim import MAX_ATTEMPTS
from shared.errors import ErrorCode
from shared.status import Status
from tests.chaos.evidence import Evidence, State, StoredFile

#: In a Firebase download address.
_OBJECT_IN_URL = re.compile(r"/o/([^?]+)")
FAILED = frozenset({Status.FAILED})
FILM = ".mp4"


class Kind(StrEnum):
    #: A document without an end.
    LOST = "lost"
    #: A document with two ends, or done more often than the scenario allows.
    DUPLICATED = "duplicated"
    #: A listener saw a document go backwards.
    BACKWARDS = "backwards"
    #: A claim without the next fencing token.
    TOKEN = "token"
    #: A file that a document refers to is missing, broken, or not of the attempt that ended it.
    FILE = "file"
    #: A file that nobody refers to.
    ORPHAN = "orphan"
    #: A message that nobody acknowledged.
    MESSAGE = "message"
    #: A process that outlived what it worked for.
    PROCESS = "process"
    #: Usage that is not the sum of what its owner's generations cost.
    QUOTA = "quota"


@dataclass(frozen=True)
class Violation:
    kind: Kind
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


def judge(
    evidence: Evidence,
    *,
    ends: frozenset[Status] = frozenset({Status.COMPLETED}),
    most_attempts: int | None = None,
    failing: Mapping[str, ErrorCode] = MappingProxyType({}),
) -> list[Violation]:
    """`ends` are the terminal statuses that the scenario allows; with `most_attempts`, more than so
    many claims of one document are a duplication. `failing`: the documents that must fail, whatever
    the others do, with this error, and with no more claims than any document may have."""
    found: list[Violation] = []
    files = {file.name: file for file in evidence.files}
    for path, final in evidence.final.items():
        states = [*evidence.states.get(path, ()), final]
        found += _of_end(path, states, FAILED if path in failing else ends)
        if path in failing and final.error_code != failing[path]:
            found.append(Violation(Kind.LOST, f"{path} has the error {final.error_code}"))
        found += _of_order(path, states)
        found += _of_files(path, final, files)
        claims = max(len({it.token for it in states} - {0}), final.attempt)
        most = MAX_ATTEMPTS if path in failing else most_attempts
        if most is not None and claims > most:
            found.append(Violation(Kind.DUPLICATED, f"{path} was claimed {claims} times"))
    found += [Violation(Kind.LOST, f"{path} is gone") for path in _gone(evidence)]
    kept = set(itertools.chain.from_iterable(map(referenced, evidence.final.values())))
    found += [Violation(Kind.ORPHAN, name) for name in files if name not in kept]
    if evidence.messages_left:
        found.append(Violation(Kind.MESSAGE, f"{evidence.messages_left} messages are left"))
    found += [Violation(Kind.PROCESS, words) for words in evidence.processes_left]
    found += [Violation(Kind.QUOTA, words) for words in evidence.quota_drift]
    return found


def _gone(evidence: Evidence) -> list[str]:
    return [path for path in evidence.states if path not in evidence.final]


def _of_end(path: str, states: Sequence[State], ends: frozenset[Status]) -> Iterator[Violation]:
    final = states[-1]
    if not final.status.terminal:
        yield Violation(Kind.LOST, f"{path} is {final.status} at the end")
    elif final.status not in ends:
        why = f" ({final.error_code})" if final.error_code else ""
        yield Violation(Kind.LOST, f"{path} ended as {final.status}{why}")
    first = next((state for state in states if state.status.terminal), None)
    if first is not None and any(_written_after(first, later) for later in states):
        yield Violation(Kind.DUPLICATED, f"{path} ended as {first.status}, then was written again")
    if (final.status is Status.COMPLETED) != (final.output is not None):
        yield Violation(Kind.FILE, f"{path} is {final.status}, and its output does not fit that")


def _written_after(end: State, later: State) -> bool:
    """Whether somebody wrote after the end; the owner may, who asks for a cancellation too late."""
    if later.at <= end.at:
        return False
    asked = later.cancel_requested and not end.cancel_requested
    return not asked or replace(later, at=end.at, cancel_requested=False) != end


def _place(state: State) -> tuple[int, int]:
    """Where a state lies on a document's way: by token, then by what follows a claim."""
    if state.status.terminal:
        return state.token, 4
    if state.status is Status.QUEUED:
        return state.token, 3 if state.token else 1
    return state.token, 2 if state.status is Status.PROCESSING else 0


def _of_order(path: str, states: Sequence[State]) -> Iterator[Violation]:
    for old, new in itertools.pairwise(states):
        if new.at < old.at:
            yield Violation(Kind.BACKWARDS, f"{path}: a version of {new.at} after one of {old.at}")
        if new.token < old.token:
            yield Violation(Kind.TOKEN, f"{path}: token {new.token} after {old.token}")
        elif _place(new) < _place(old):
            yield Violation(
                Kind.BACKWARDS,
                f"{path}: {new.status} with token {new.token} after {old.status}",
            )
        both = old.token == new.token and None not in (old.worker_id, new.worker_id)
        if both and old.worker_id != new.worker_id:
            yield Violation(Kind.TOKEN, f"{path}: two workers claimed token {new.token}")
        if old.token == new.token and (new.fraction or 1.0) < (old.fraction or 0.0):
            yield Violation(Kind.BACKWARDS, f"{path}: progress {new.fraction} after {old.fraction}")


def referenced(state: State) -> list[str]:
    """Every object that the output refers to, taken from what the phone gets: the addresses."""
    return [
        unquote(found[1])
        for file in (state.output or {}).get("files", ())
        for key, value in file.items()
        if key.endswith("url") and (found := _OBJECT_IN_URL.search(value))
    ]


def _of_files(path: str, final: State, files: dict[str, StoredFile]) -> Iterator[Violation]:
    sizes = {
        file["storage_path"]: file["size_bytes"] for file in (final.output or {}).get("files", ())
    }
    if final.status is Status.COMPLETED and not sizes:
        yield Violation(Kind.FILE, f"{path} is completed without a file")
    for name in referenced(final):
        file = files.get(name)
        if file is None:
            yield Violation(Kind.FILE, f"{name} is missing")
            continue
        if not name.startswith(f"{path}/{final.token}/"):
            yield Violation(Kind.FILE, f"{name} is not of token {final.token}")
        if not file.whole or len(file.content) != sizes.get(name, len(file.content)):
            yield Violation(Kind.FILE, f"{name} is not what was uploaded")
        elif not (_plays if name.endswith(FILM) else _opens)(file.content):
            yield Violation(Kind.FILE, f"{name} is no picture, or no film")


def _plays(content: bytes) -> bool:
    """As far as the film's index tells; its pictures are covered by the checksum."""
    try:
        probe_film(content)
    except ValueError:
        return False
    return True


def _opens(content: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
    except (OSError, ValueError):
        return False
    return True
