"""Use case: a message says that a generation may want work; hand it to a job at RunPod.

The job is started first and noted in the document by compare-and-set after that: who loses that
race cancels its own job again. What a crash or a lost reply leaves is a job that no document names;
it costs the start of a worker at most, since its claim finds the generation claimed or ended.
Bounds: one job an event, MAX_CONFLICTS tries for each write.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.admission import DEFAULT_ADMISSION, Admission
from shared.claim import End
from shared.dispatched import Dispatched
from shared.document import Generation
from shared.errors import ErrorCode, GenerationError, InvalidInput
from shared.paths import GenerationPath
from shared.ports import Changes, Conflict, DocumentStore, Missing, Rejected, Snapshot, TooLarge
from shared.serverless import MAX_REQUEST_BYTES, ServerlessJobs
from shared.status import Status
from shared.sweeping import LetBe
from trigger.dispatching import Ask, Noted, Start, Withdraw, decide_dispatch, decide_note
from trigger.endpoints import Endpoint

#: The owner cancels once, a worker claims and shows progress, a message comes twice; the rest is
#: lost replies.
MAX_CONFLICTS = 5

LOG = logging.getLogger("trigger")


class Outcome(StrEnum):
    """How a message ended; for the log."""

    #: It has a new job.
    STARTED = "started"
    #: Its job waits or is worked on.
    ALIVE = "alive"
    #: It was handed to another job at the same time, or ended: the new job was cancelled.
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    #: Its attempts are used up, or nobody takes its request.
    FAILED = "failed"
    #: It has ended, somebody works on it, or its time has not come.
    LET_BE = "let_be"
    #: The document was deleted.
    GONE = "gone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Handed:
    outcome: Outcome
    #: The job that it is about, if one.
    job_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispatcher:
    """Hands generations to jobs. `endpoints` are by topic; what belongs to no such is let be."""

    documents: DocumentStore
    jobs: ServerlessJobs
    endpoints: Mapping[str, Endpoint]
    admission: Admission = DEFAULT_ADMISSION

    def dispatch(self, path: GenerationPath) -> Handed:
        """Raises `Unavailable` and `Misconfigured`: the document is `queued` still, for the
        message's next delivery or the sweep's. `Conflict` when it kept changing, `Rejected` when
        its end cannot be written."""
        over: str | None = None
        for _ in range(MAX_CONFLICTS + 1):
            snapshot = self.documents.read(str(path))
            if snapshot is None:
                return Handed(outcome=Outcome.GONE)
            try:
                generation = Generation.from_document(path, snapshot.data)
            except InvalidInput:
                # Whoever looks at its creation ends it.
                return Handed(outcome=Outcome.LET_BE)
            decision = decide_dispatch(
                generation, server_now=snapshot.read_time, admission=self.admission, over=over
            )
            if isinstance(decision, Ask):
                job = decision.dispatch
                if self.jobs.alive(job.endpoint, job.job_id):
                    return Handed(outcome=Outcome.ALIVE, job_id=job.job_id)
                over = job.job_id
                continue
            handed = self._act(decision, generation, snapshot)
            if handed is not None:
                return handed
        raise _kept_changing(path)

    def _act(
        self, decision: Start | End | LetBe, generation: Generation, snapshot: Snapshot
    ) -> Handed | None:
        """None: the document has changed, so decide again."""
        if isinstance(decision, LetBe):
            return Handed(outcome=Outcome.LET_BE)
        if isinstance(decision, Start):
            endpoint = self.endpoints.get(decision.topic)
            if endpoint is None:
                return Handed(outcome=Outcome.LET_BE)
            started = self._start(decision, generation, snapshot, endpoint)
            if isinstance(started, Dispatched):
                return self._note(started, decision, generation, snapshot)
            decision = started
        if not self._written(generation, decision.changes, snapshot):
            return None
        cancelled = decision.changes["status"] == Status.CANCELLED
        return Handed(outcome=Outcome.CANCELLED if cancelled else Outcome.FAILED)

    def _start(
        self, decision: Start, generation: Generation, snapshot: Snapshot, endpoint: Endpoint
    ) -> Dispatched | End:
        try:
            job_id = self.jobs.start(endpoint.endpoint_id, decision.request, endpoint.limits)
        except TooLarge:
            return End(changes=generation.to_failed(_too_large()))
        except Rejected as refusal:
            # Without a trace: the adapter's text says all.
            fields = {"generation": str(generation.path), "reason": str(refusal)}
            LOG.error("cannot dispatch", extra={"fields": fields})  # noqa: TRY400
            return End(changes=generation.to_failed(_refused()))
        return Dispatched(
            endpoint=endpoint.endpoint_id,
            job_id=job_id,
            at=snapshot.read_time,
            token=generation.lease.token,
        )

    def _note(
        self, started: Dispatched, decision: Start, before: Generation, snapshot: Snapshot
    ) -> Handed:
        path, current, generation = before.path, snapshot, before
        for _ in range(MAX_CONFLICTS + 1):
            note = decide_note(generation, started, before=before.dispatch, lost=decision.lost)
            if isinstance(note, Withdraw):
                break
            if isinstance(note, Noted) or self._written(generation, note.changes, current):
                return Handed(outcome=Outcome.STARTED, job_id=started.job_id)
            found = self.documents.read(str(path))
            if found is None:
                break
            current, generation = found, Generation.from_document(path, found.data)
        else:
            raise _kept_changing(path)
        self.jobs.cancel(started.endpoint, started.job_id)
        return Handed(outcome=Outcome.WITHDRAWN, job_id=started.job_id)

    def _written(self, generation: Generation, changes: Changes, snapshot: Snapshot) -> bool:
        """Whether the document took `changes`; not if it is another one by now."""
        path, beside = str(generation.path), generation.beside(changes)
        try:
            self.documents.update(path, changes, expected=snapshot.version, beside=beside)
        except (Conflict, Missing):
            return False
        return True


def _too_large() -> GenerationError:
    return InvalidInput(
        f"input takes more than {MAX_REQUEST_BYTES // 1_000_000} MB on its way to a worker; it "
        "must take less. Give a large image by its address."
    )


def _refused() -> GenerationError:
    return GenerationError(
        ErrorCode.UNSUPPORTED_TASK, "The service that works on requests does not take this one."
    )


def _kept_changing(path: GenerationPath) -> Conflict:
    return Conflict(f"{path} changed {MAX_CONFLICTS + 1} times while it was being dispatched")
