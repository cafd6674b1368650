"""One attempt at a claimed generation: generate, store, finish, or say why not.

However it ends, the document gets exactly one more write from here, unless the lease is lost: then
it gets none, and the files stored so far are taken away again.
"""

import logging
import random
import secrets
from collections.abc import Callable
from contextlib import closing

from gpu_worker.lifecycle.control import JobControl, Stopped, StopReason
from gpu_worker.lifecycle.handled import Done, Handled, Later
from gpu_worker.lifecycle.keeper import LeaseKeeper
from gpu_worker.lifecycle.leased_document import LeasedDocument, LeaseLost
from gpu_worker.lifecycle.output import FileStorer, describe_output
from gpu_worker.lifecycle.wiring import Wiring
from gpu_worker.ports import EngineJob, JobCancelled
from shared.document import Generation
from shared.errors import ErrorCode, GenerationError, InvalidInput
from shared.parse import parse_owned_request
from shared.ports import Changes, Snapshot, Unavailable
from shared.request import MAX_SEED
from shared.retry import Retry, decide_retry

log = logging.getLogger(__name__)


class Attempt:
    """Used once: `run`."""

    def __init__(self, wiring: Wiring, leased: LeasedDocument, control: JobControl) -> None:
        self._wiring = wiring
        self._leased = leased
        self._control = control
        self._files = FileStorer(wiring.objects, wiring.threads, leased)
        self._fields = {
            "generation": str(leased.path),
            "token": leased.lease.token,
            "attempt": leased.generation.attempt,
        }

    def run(self) -> Handled:
        """Never raises for a fault of the job."""
        try:
            ending = self._outcome()
            if ending is None:
                return self._leave()
            changes, handled = ending
            self._leased.end(changes)
        except LeaseLost as error:
            log.warning("%s", error, extra={"fields": self._fields})
            return self._leave()
        except Unavailable as error:
            # The lease lapses by itself, and whoever gets the message then takes over.
            log.warning("cannot finish: %s", error, extra={"fields": self._fields})
            return Later(seconds=self._wiring.lease_seconds)
        return handled

    def _outcome(self) -> tuple[Callable[[Generation], Changes], Handled] | None:
        """How to end the document and what to do with the message; None when the lease is lost."""
        try:
            return self._generate(), Done()
        except (Stopped, JobCancelled):
            return self._stopped()
        except (InvalidInput, GenerationError) as error:
            return self._failed(error)
        except Unavailable as error:
            log.warning("a service is away: %s", error, extra={"fields": self._fields})
            return self._failed(
                GenerationError(
                    ErrorCode.SERVICE_UNAVAILABLE, "The file storage did not answer in time."
                )
            )
        except LeaseLost:
            raise
        except Exception:
            log.exception("the attempt failed unexpectedly", extra={"fields": self._fields})
            return self._failed(
                GenerationError(ErrorCode.INTERNAL, "Something went wrong on our side.")
            )

    def _generate(self) -> Callable[[Generation], Changes]:
        request = parse_owned_request(self._leased.generation.input, self._leased.path)
        seed = request.seed if request.seed is not None else secrets.randbelow(MAX_SEED)
        job = EngineJob(job_id=str(self._leased.path), request=request, seed=seed)
        log.info("claimed", extra={"fields": self._fields})
        keeper = LeaseKeeper(
            self._leased,
            self._control,
            self._wiring.clock,
            heartbeat_seconds=self._wiring.heartbeat_seconds,
        )
        with keeper, closing(self._wiring.watcher.watch(str(self._leased.path), self._on_change)):
            self._control.check()
            result = self._wiring.engine.run(job, keeper.report)
            self._control.check()
            files = self._files.store(result)
            self._control.check()
        output = describe_output(result, files)
        timings = {**result.timings, **self._files.timings}
        cost = {"gpu_seconds": round(sum(result.timings.values()), 3)}
        log.info("generated", extra={"fields": {**self._fields, "timings": timings}})
        return lambda generation: generation.to_completed(output, timings, cost)

    def _on_change(self, snapshot: Snapshot | None) -> None:
        """The watch only makes stopping fast; lost or late calls are made up by the writes."""
        if snapshot is None:
            self._control.stop(StopReason.LEASE_LOST)
        elif snapshot.data.get("cancel_requested") is True:
            self._control.stop(StopReason.CANCELLED)

    def _stopped(self) -> tuple[Callable[[Generation], Changes], Handled] | None:
        reason = self._control.reason or StopReason.SHUTDOWN
        log.info("stopped: %s", reason, extra={"fields": self._fields})
        if reason is StopReason.LEASE_LOST:
            return None
        self._files.discard()
        if reason is StopReason.CANCELLED:
            return Generation.to_cancelled, Done()
        return (lambda generation: generation.to_retry(None)), Later(seconds=0)

    def _failed(self, error: GenerationError) -> tuple[Callable[[Generation], Changes], Handled]:
        self._files.discard()
        attempt = self._leased.generation.attempt
        decision = decide_retry(error, attempt=attempt, random=random.random)
        fields = {**self._fields, "code": error.code.value}
        if isinstance(decision, Retry):
            log.warning("failed, will be retried", extra={"fields": fields})
            retry_in = decision.delay_seconds
            return (lambda generation: generation.to_retry(error)), Later(seconds=retry_in)
        final = decision.error
        log.warning("failed for good", extra={"fields": fields})
        return (lambda generation: generation.to_failed(final)), Done()

    def _leave(self) -> Handled:
        """Another holder may be at work: write nothing, take our own files away."""
        self._files.discard()
        return Later(seconds=self._wiring.lease_seconds)
