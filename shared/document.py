"""The generation document as the server side reads it, and the changes that move it on.

Every function here is pure: it returns the fields to write. Who writes them, and against which
version, is up to the use case. Each change sets `status` and `updated_at` together, and only moves
that the status table allows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.charge import Charge
from shared.dispatched import Dispatched
from shared.errors import GenerationError, InvalidInput
from shared.kinds import Kind
from shared.lease import Lease
from shared.notice import is_news, notice_of
from shared.paths import GenerationPath
from shared.ports import DELETE, SERVER_TIME, Beside, Changes, NotInput
from shared.status import Status, check_transition
from shared.stored_size import MAX_INPUT_BYTES, stored_bytes

#: What a `Generation` is read from, but for `input`: enough to end one whose input is unreadable.
SERVER_FIELDS = (
    "status",
    "lease",
    "attempt",
    "cancel_requested",
    "error",
    "queued_at",
    "sweep_after",
    "not_before",
    "charge",
    "dispatch",
    "notify",
)


def unreadable_to_failed(error: InvalidInput) -> Changes:
    """Ends a document that no `Generation` can be read from: it has no status to move on from."""
    return {
        "status": Status.FAILED.value,
        "updated_at": SERVER_TIME,
        "completed_at": SERVER_TIME,
        "error": error.to_document(),
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Generation:
    """One document. Lenient where only the server writes, so that no document is unreadable."""

    path: GenerationPath
    status: Status
    #: The client's request, unparsed.
    input: object
    cancel_requested: bool
    #: Claims that ended in a failure or a lapse count; those released on purpose are taken back.
    attempt: int
    lease: Lease
    error: Mapping[str, Any] | None
    #: When it was first accepted: by the function, or by a worker that was faster.
    queued_at: datetime | None = None
    #: While it is queued: when the patience begins after which the sweep publishes it anew.
    sweep_after: datetime | None = None
    #: While it is queued after a failed attempt: the earliest time of the next one.
    not_before: datetime | None = None
    #: What it costs its owner; None where there are no quotas.
    charge: Charge | None = None
    #: The job that it was handed to; None where workers fetch their work themselves.
    dispatch: Dispatched | None = None
    #: Its end is told to its owner's devices, whoever ends it.
    notify: bool = False

    @classmethod
    def from_document(cls, path: GenerationPath, data: Mapping[str, Any]) -> "Generation":
        """Raises `InvalidInput` when `status` is none of the contract's."""
        status = data.get("status")
        if not isinstance(status, str) or status not in list(Status):
            raise InvalidInput(
                f"status is {str(status)[:40]!r}; a new generation's must be 'pending'."
            )
        attempt = data.get("attempt")
        error = data.get("error")
        return cls(
            path=path,
            status=Status(status),
            input=data.get("input"),
            cancel_requested=data.get("cancel_requested") is True,
            # Below zero it would stand for tries that nobody allowed.
            attempt=max(0, attempt) if type(attempt) is int else 0,
            lease=Lease.from_document(data.get("lease")),
            error=error if isinstance(error, Mapping) else None,
            queued_at=_moment(data.get("queued_at")),
            sweep_after=_moment(data.get("sweep_after")),
            not_before=_moment(data.get("not_before")),
            # Before it is accepted nothing is reserved, whatever somebody wrote there.
            charge=Charge.from_document(data.get("charge")) if status != Status.PENDING else None,
            dispatch=Dispatched.from_document(data.get("dispatch")),
            notify=data.get("notify") is True,
        )

    def rejected(self) -> "Generation":
        """This generation after the store refused a write to it: its end is written without it."""
        return replace(self, input=NotInput.REJECTED)

    def check_input(self) -> None:
        """Raises `InvalidInput` when `input` cannot be read or leaves the document no room."""
        if self.input is NotInput.UNREADABLE:
            raise InvalidInput(
                "input holds a value that cannot be read, such as a reference to another project; "
                "it must be an object of request parameters."
            )
        if self.input is NotInput.REJECTED:
            raise InvalidInput(
                "input is so big, or has so many values, that the document could not be written "
                f"again; it must take at most {MAX_INPUT_BYTES // 1024} KiB."
            )
        size = stored_bytes(self.input)
        if size > MAX_INPUT_BYTES:
            raise InvalidInput(
                f"input takes {-(-size // 1024)} KiB; it must take at most "
                f"{MAX_INPUT_BYTES // 1024} KiB. Give a large image by its address."
            )

    def claimed(self, lease: Lease, at: datetime) -> "Generation":
        """This generation after `to_processing(lease)` was written, at that time of the server."""
        return replace(
            self,
            status=Status.PROCESSING,
            lease=lease,
            attempt=self.attempt + 1,
            error=None,
            queued_at=self.queued_at or at,
        )

    def beside(self, changes: Changes) -> tuple[Beside, ...]:
        """What has to be written in the same commit as `changes` of this generation: if they
        settle its charge, its owner's usage says so too; and what `noted` says."""
        charge = Charge.from_document(changes.get("charge"))
        if charge is None or charge.held:
            return self.noted(changes)
        return (charge.settlement(self.path), *self.noted(changes))

    def noted(self, changes: Changes) -> tuple[Beside, ...]:
        """If `changes` end it in a way that its owner's devices are to hear of, the notice."""
        return (notice_of(self.path),) if self.notify and is_news(changes.get("status")) else ()

    def to_queued(self, kind: Kind, charge: Charge | None = None) -> Changes:
        """Accepted; its message is published next. `charge` is reserved in the same commit.
        `kind`: the line that it waits in, and is counted in."""
        return self._move(
            Status.QUEUED,
            kind=kind.value,
            queued_at=SERVER_TIME,
            sweep_after=SERVER_TIME,
            **({"charge": charge.to_document()} if charge else {}),
            **({"notify": True} if self.notify else {}),
        )

    def to_republished(self, sweep_after: datetime) -> Changes:
        """Still queued, and published anew."""
        return {"updated_at": SERVER_TIME, "sweep_after": sweep_after}

    def to_dispatched(self, dispatch: Dispatched, *, lost: GenerationError | None) -> Changes:
        """Handed to a job, whether or not that has claimed it by now. `lost`: why the job before
        it came to nothing without a claim, which counts as an attempt."""
        changes: dict[str, Any] = {"updated_at": SERVER_TIME, "dispatch": dispatch.to_document()}
        if lost is not None:
            changes["attempt"] = self.attempt + 1
            if self.status is Status.QUEUED:
                changes["error"] = lost.to_document()
        return changes

    def to_processing(self, lease: Lease) -> Changes:
        """Claimed by the worker that `lease` names."""
        return self._move(
            Status.PROCESSING,
            lease=lease.to_document(),
            attempt=self.attempt + 1,
            started_at=SERVER_TIME,
            progress=DELETE,
            error=DELETE,
            queue=DELETE,
            sweep_after=DELETE,
            not_before=DELETE,
            **self._queued_at_last(),
        )

    def to_retry(
        self, error: GenerationError | None, *, not_before: datetime | None = None
    ) -> Changes:
        """Back to the queue: after a retryable `error`, or given back unharmed (None).

        `not_before`: the server's time before which nobody is to try again.
        """
        return self._move(
            Status.QUEUED,
            lease=self.lease.released().to_document(),
            # What a worker gives back on purpose (a deployment, a drained machine) is no failure.
            attempt=self.attempt if error else max(0, self.attempt - 1),
            error=error.to_document() if error else DELETE,
            progress=DELETE,
            sweep_after=SERVER_TIME,
            # An earlier release claimed without it.
            **self._queued_at_last(),
            # A claim has removed that of the attempt before.
            **({"not_before": not_before} if not_before else {}),
        )

    def to_completed(
        self, output: Mapping[str, Any], timings: Mapping[str, float], cost: Mapping[str, float]
    ) -> Changes:
        """`output` refers to one complete set of files; `timings` are seconds per stage."""
        return self._end(
            Status.COMPLETED, output=dict(output), timings=dict(timings), cost=dict(cost)
        )

    def to_failed(self, error: GenerationError) -> Changes:
        return self._end(Status.FAILED, error=error.to_document())

    def to_cancelled(self) -> Changes:
        return self._end(Status.CANCELLED)

    def _end(self, status: Status, **fields: Any) -> Changes:
        return self._move(
            status,
            completed_at=SERVER_TIME,
            lease=self.lease.released().to_document(),
            progress=DELETE,
            queue=DELETE,
            sweep_after=DELETE,
            not_before=DELETE,
            **({"input": {}} if self._leaves_no_room() else {}),
            **self.settled(status),
            **fields,
        )

    def _queued_at_last(self) -> Changes:
        """`queued_at`, where it is still missing: from a claim on every document has it."""
        return {} if self.queued_at else {"queued_at": SERVER_TIME}

    def settled(self, end: Status) -> Changes:
        """The changes that settle its charge as the terminal status `end` does; none if it is."""
        if self.charge is None or not self.charge.held:
            return {}
        return {"charge": self.charge.settled(end).to_document()}

    def _leaves_no_room(self) -> bool:
        # Emptied at the end, when nothing needs it any more: the end itself may not fit else.
        return self.input is NotInput.REJECTED or stored_bytes(self.input) > MAX_INPUT_BYTES

    def _move(self, status: Status, **fields: Any) -> Changes:
        check_transition(self.status, status)
        return {"status": status.value, "updated_at": SERVER_TIME, **fields}


def _moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
