"""One attempt at a claimed generation: generate, store, finish, or say why not.

However it ends, the document gets exactly one more write from here, unless the lease is lost: then
it gets none. Files that no document refers to are taken away after that write, not before it, since
the lease is not renewed meanwhile.
"""

import logging
import random
import secrets
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

from gpu_worker.lifecycle.control import JobControl, Stopped, StopReason
from gpu_worker.lifecycle.handled import Done, Handled, Later
from gpu_worker.lifecycle.keeper import LeaseKeeper
from gpu_worker.lifecycle.leased_document import LeasedDocument, LeaseLost
from gpu_worker.lifecycle.making import making_of
from gpu_worker.lifecycle.storing import FileStorer
from gpu_worker.lifecycle.wiring import Wiring
from gpu_worker.media.inputs import fetch_inputs
from gpu_worker.ports import EngineJob, EngineUnavailable, JobCancelled
from shared.crash_points import CrashPoint, crash_point
from shared.document import Generation
from shared.errors import ErrorCode, GenerationError
from shared.json_log import trace_of
from shared.kinds import kind_of
from shared.lease import Lease
from shared.ports import Changes, Snapshot, Unavailable
from shared.request import MAX_SEED
from shared.retry import Retry, decide_retry

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """The attempt's last write, and what becomes of its message and its files after it."""

    changes: Callable[[Generation], Changes]
    handled: Handled
    keeps_files: bool = False
    #: Called once it is written, unless it was overtaken by a cancellation.
    written: Callable[[], None] = lambda: None


class Attempt:
    """Used once: `run`."""

    def __init__(self, wiring: Wiring, leased: LeasedDocument, control: JobControl) -> None:
        self._wiring = wiring
        self._leased = leased
        self._control = control
        self._token = leased.lease.token
        self._files = FileStorer(wiring.objects, wiring.threads, leased, control)
        self._fields = {
            "generation": str(leased.path),
            "token": self._token,
            "attempt": leased.generation.attempt,
        }

    def run(self) -> Handled:
        """Never raises for a fault of the job."""
        later = Later(seconds=self._wiring.lease_seconds)
        ending = self._outcome()
        if ending is None:
            self._files.discard()
            return later
        changes, cancelled = ending.changes, False

        def last_write(generation: Generation) -> Changes:
            # Asked for before the end is written, however late: it is what the person sees.
            nonlocal cancelled
            cancelled = generation.cancel_requested
            return generation.to_cancelled() if cancelled else changes(generation)

        crash_point(CrashPoint.FINISHING)
        try:
            self._leased.end(last_write)
        except LeaseLost as error:
            # Nobody refers to our files: the last write did not come through, and never will.
            log.warning("%s", error, extra={"fields": self._fields})
            self._files.discard()
            return later
        except Exception as error:  # noqa: BLE001 (logged without its text)
            # The lease lapses by itself, and whoever gets the message then takes over. The write
            # may have come through all the same, so files that it refers to stay.
            fields = {**self._fields, **trace_of(error)}
            log.warning("cannot finish", extra={"fields": fields})
            if not ending.keeps_files:
                self._files.discard()
            return later
        if cancelled or not ending.keeps_files:
            self._files.discard()
        if cancelled:
            return Done()
        ending.written()
        return ending.handled

    def _outcome(self) -> Ending | None:
        """How to end the document and what to do with the message; None when the lease is lost."""
        try:
            return self._generate()
        except (Stopped, JobCancelled):
            return self._stopped()
        except EngineUnavailable:
            # A fault of this machine's, which another does not have: no try of the generation's
            # is used up. The reason is not logged for each job: the service says it once.
            self._control.stop(StopReason.ENGINE_LOST)
            return self._stopped()
        except GenerationError as error:
            return self._failed(error)
        except Unavailable as error:
            log.warning("a service is away: %s", error, extra={"fields": self._fields})
            return self._failed(
                GenerationError(
                    ErrorCode.SERVICE_UNAVAILABLE, "The file storage did not answer in time."
                )
            )
        except Exception as error:  # noqa: BLE001 (logged without its text, which may quote a prompt)
            fields = {**self._fields, **trace_of(error)}
            log.error("the attempt failed unexpectedly", extra={"fields": fields})  # noqa: TRY400
            return self._failed(
                GenerationError(ErrorCode.INTERNAL, "Something went wrong on our side.")
            )

    def _generate(self) -> Ending:
        path = self._leased.path
        request = self._wiring.admission.read(self._leased.generation.input, path)
        loras = self._wiring.loras.find(request)
        seed = request.seed if request.seed is not None else secrets.randbelow(MAX_SEED)
        log.info("claimed", extra={"fields": self._fields})
        engine, making = self._wiring.engine, making_of(request, self._wiring, self._files)
        keeper = LeaseKeeper(
            self._leased,
            self._control,
            self._wiring.clock,
            heartbeat_seconds=self._wiring.heartbeat_seconds,
            first_write_seconds=self._wiring.first_write_seconds,
            engine_share=making.engine_share,
        )
        watch = self._wiring.watcher.watch
        with keeper, closing(watch(str(path), self._on_change)), making:
            inputs = fetch_inputs(request, self._wiring.inputs, uid=path.uid, check=self._check)
            self._check()
            job = EngineJob(
                # The token makes it this attempt's own: a late cancel never hits the next attempt.
                job_id=f"{path}/{self._token}",
                request=request,
                seed=seed,
                image=inputs.image,
                mask=inputs.mask,
                loras=loras,
                few_steps=self._wiring.loras.few_steps(request),
                time_limit_seconds=self._wiring.time_limits.of(request),
            )

            def stop() -> None:
                engine.cancel(job.job_id)
                making.stop()

            crash_point(CrashPoint.ENGINE_START)
            with self._control.in_engine(stop):
                result = making.run(engine, job, keeper.report)
            self._check()
            keeper.engine_done()
            output = making.store(result)
            self._check()
        timings = {**result.timings, **self._files.timings}
        engine_seconds = sum(result.timings.values())
        cost = {"gpu_seconds": round(engine_seconds, 3)}
        log.info("generated", extra={"fields": {**self._fields, "timings": timings}})
        return Ending(
            changes=lambda generation: generation.to_completed(output, timings, cost),
            handled=Done(),
            keeps_files=True,
            written=lambda: self._wiring.tally.add(kind_of(request.task_type), engine_seconds),
        )

    def _check(self) -> None:
        if not self._leased.trusted():
            self._control.stop(StopReason.LEASE_LOST)
        self._control.check()

    def _on_change(self, snapshot: Snapshot | None) -> None:
        """The watch only makes stopping fast; lost or late calls are made up by the writes."""
        if snapshot is None or Lease.from_document(snapshot.data.get("lease")).token > self._token:
            self._control.stop(StopReason.LEASE_LOST)
        elif snapshot.data.get("cancel_requested") is True:
            self._control.stop(StopReason.CANCELLED)

    def _stopped(self) -> Ending | None:
        reason = self._control.reason or StopReason.SHUTDOWN
        log.info("stopped: %s", reason, extra={"fields": self._fields})
        if reason is StopReason.LEASE_LOST:
            return None
        if reason is StopReason.CANCELLED:
            return Ending(changes=Generation.to_cancelled, handled=Done())
        return Ending(
            changes=lambda generation: generation.to_retry(None), handled=Later(seconds=0)
        )

    def _failed(self, error: GenerationError) -> Ending:
        attempt = self._leased.generation.attempt
        decision = decide_retry(error, attempt=attempt, random=random.random)
        fields = {**self._fields, "code": error.code.value}
        if isinstance(decision, Retry):
            log.warning("failed, will be retried", extra={"fields": fields})
            delay = timedelta(seconds=decision.delay_seconds)
            return Ending(
                # In the document too: another message of it may come before this one is back.
                changes=lambda generation: generation.to_retry(
                    error, not_before=self._leased.server_now() + delay
                ),
                handled=Later(seconds=decision.delay_seconds),
            )
        final = decision.error
        log.warning("failed for good", extra={"fields": fields})
        return Ending(changes=lambda generation: generation.to_failed(final), handled=Done())
