"""What to do with a document that was just created: one pure decision.

Order matters: what is finished or was accepted before stays as it is, what cannot be read fails, a
cancelled one never starts, a bad request fails with its reasons, the rest is accepted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from shared.admission import DEFAULT_ADMISSION, Admission
from shared.cost import credits_of
from shared.document import Generation, unreadable_to_failed
from shared.errors import ErrorCode, GenerationError, InvalidInput
from shared.kinds import Kind, kind_of
from shared.message import GenerationMessage
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC, GenerationPath
from shared.ports import Beside, Changes
from shared.request import GenerationRequest
from shared.status import Status

TOPICS: Mapping[Kind, str] = {Kind.IMAGE: IMAGE_TOPIC, Kind.VIDEO: VIDEO_TOPIC}


@dataclass(frozen=True, kw_only=True, slots=True)
class Accept:
    """Write `changes`, and `beside` it what it costs, then publish `message` to `topic`."""

    generation: Generation
    #: What it costs, ≥ 1.
    credits: int
    kind: Kind
    topic: str
    message: GenerationMessage
    changes: Changes
    beside: Sequence[Beside] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Refuse:
    """Write `changes` with what is `beside` them; the generation fails, no worker hears of it."""

    changes: Changes
    #: Its prompt has what is not allowed here; else the request breaks the contract.
    for_content: bool = False
    beside: Sequence[Beside] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancel:
    """Write `changes`; its owner asked for it before anybody looked."""

    changes: Changes
    #: Who cancels knows.
    beside: Sequence[Beside] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaveAlone:
    """Nothing to do: the event came twice, or a worker was faster."""


Acceptance: TypeAlias = Accept | Refuse | Cancel | LeaveAlone


def decide_acceptance(
    path: str,
    *,
    created: Mapping[str, Any],
    current: Mapping[str, Any],
    rejected: bool = False,
    admission: Admission = DEFAULT_ADMISSION,
    notify: bool = False,
) -> Acceptance:
    """Decide for the document at `path` (`users/{uid}/generations/{id}`).

    `created` is the document as the event shows it, `current` as it is now. With
    `rejected`, the store refused an earlier decision's write: the document ends without its input.
    `admission` is what this deployment takes. With `notify` its end is told to its owner's devices.
    """
    try:
        generation = Generation.from_document(GenerationPath.parse(path), current)
    except InvalidInput as error:
        return _refuse_unreadable(current, error)
    if rejected:
        generation = generation.rejected()
    if notify:
        generation = replace(generation, notify=True)
    if generation.status.terminal:
        return LeaveAlone()
    try:
        _check_was_pending(created)
        return _decide_for_readable(generation, admission)
    except GenerationError as error:
        for_content = error.code is ErrorCode.CONTENT_REJECTED
        changes = generation.to_failed(error)
        return Refuse(changes=changes, for_content=for_content, beside=generation.noted(changes))


def _refuse_unreadable(current: Mapping[str, Any], error: InvalidInput) -> Acceptance:
    # A terminal status stays, whatever else is wrong: nothing ends twice.
    if current.get("status") in [status for status in Status if status.terminal]:
        return LeaveAlone()
    return Refuse(changes=unreadable_to_failed(error))


def _decide_for_readable(generation: Generation, admission: Admission) -> Acceptance:
    if generation.status is not Status.PENDING:
        return LeaveAlone()
    if generation.cancel_requested:
        return Cancel(changes=generation.to_cancelled())
    request = _request_of(generation, admission)
    kind = kind_of(request.task_type)
    return Accept(
        generation=generation,
        credits=credits_of(request),
        kind=kind,
        topic=TOPICS[kind],
        message=GenerationMessage(path=generation.path),
        changes=generation.to_queued(kind),
    )


def topic_of(generation: Generation, admission: Admission) -> str:
    """Where its message goes. Raises as `Admission.read` does."""
    return TOPICS[kind_of(_request_of(generation, admission).task_type)]


def _request_of(generation: Generation, admission: Admission) -> GenerationRequest:
    generation.check_input()
    return admission.read(generation.input, generation.path)


def _check_was_pending(created: Mapping[str, Any]) -> None:
    # The rules allow nothing else; an admin's slip would otherwise wait for a worker for ever.
    status = created.get("status")
    if status != Status.PENDING:
        raise InvalidInput(
            f"status was {str(status)[:40]!r} when the document was created; it must be 'pending'."
        )
