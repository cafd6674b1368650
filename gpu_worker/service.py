"""The worker's parts in the order in which they start and stop; watched every second meanwhile.

A signal, a part that failed or one that is stuck ends it: nothing more is taken, running work stops
at its next step and is given back, and the process leaves within the 10 s that Cloud Run grants.
"""

import logging
import os
import threading
from collections.abc import Callable
from typing import Any, Protocol

from gpu_worker.health import Health, HealthFile
from gpu_worker.ports import Engine, EngineUnavailable
from gpu_worker.pulse import Pulse
from shared.errors import GenerationError

log = logging.getLogger(__name__)

#: Between two looks at how the parts are.
LOOK_SECONDS = 1.0
#: A denoising step of the slowest model on the slowest GPU that we name; then the engine hangs.
STEP_SECONDS = 3.5
#: For the writes and acknowledgements that give a job back, after the engine is gone. With the
#: engine's own 2 s to end this leaves a reserve of the 8 s in which a worker has to leave.
RELEASE_SECONDS = 1.5


class Drainable(Protocol):
    """What `Service` needs of the runner."""

    @property
    def idle(self) -> bool:
        """True while no generation is in hand."""
        ...

    def drain(self) -> None:
        """Take nothing more, and stop what runs at its next step."""
        ...


class Intake(Protocol):
    """What `Service` needs of an intake."""

    def run(self) -> None:
        """Block until `stop`, or raise what makes taking messages impossible."""
        ...

    def stop(self) -> None:
        """Take no more; `run` returns when the jobs in hand are settled."""
        ...


class Service:
    """The running parts and the order in which they start and stop. Used once: `run`."""

    def __init__(
        self,
        engine: Engine,
        runner: Drainable,
        intake: Intake,
        health: HealthFile,
        stopping: threading.Event,
        *,
        pulse: Pulse | None = None,
        look_seconds: float = LOOK_SECONDS,
        step_seconds: float = STEP_SECONDS,
        release_seconds: float = RELEASE_SECONDS,
        leave: Callable[[int], None] = os._exit,
    ) -> None:
        self._engine = engine
        self._runner = runner
        self._intake = intake
        self._health = health
        self._stopping = stopping
        self._pulse = pulse or Pulse()
        self._look_seconds = look_seconds
        self._step_seconds = step_seconds
        self._release_seconds = release_seconds
        self._leave = leave
        self._loaded = False
        self._details: dict[str, Any] = {}
        self._failure: BaseException | None = None

    def run(self, *, start_timeout: float) -> int:
        """Block until `stopping` is set or a part fails; returns the exit code."""
        self._engine.watch(self._on_loss)
        # On a thread of its own, so that a signal counts while the model is being loaded too.
        serving = threading.Thread(
            target=self._serve, args=(start_timeout,), name="serve", daemon=True
        )
        serving.start()
        try:
            while not self._stopping.wait(self._look_seconds):
                self._look()
        finally:
            self._stop(serving)
        if serving.is_alive():
            self._abandon()
        return self._code

    @property
    def _code(self) -> int:
        return 1 if self._failure else 0

    def _look(self) -> None:
        """Says how it goes. The calls take the locks of engine and runner: were one of them held
        for good, this loop would be stuck too, and nothing said any more."""
        _ = self._runner.idle
        self._health.write(
            Health.READY if self._loaded and self._engine.ready else Health.STARTING,
            **self._details,
        )
        stuck = self._pulse.look()
        if stuck:
            self._failure = TimeoutError()
            log.critical("stuck, so this worker ends: %s", ", ".join(stuck))
            self._stopping.set()

    def _stop(self, serving: threading.Thread) -> None:
        # The intake first: what is handed back must not come in again through it.
        self._try(self._intake.stop)
        self._try(self._runner.drain)
        self._try(lambda: self._health.write(Health.DRAINING))
        if self._loaded:
            serving.join(self._step_seconds)
        # An engine that has not come to the end of its step hangs; without it the job comes back.
        self._try(self._engine.close)
        serving.join(self._release_seconds)

    def _try(self, step: Callable[[], None]) -> None:
        """A fault in one step of stopping must not keep the others from being taken."""
        try:
            step()
        except Exception as error:
            self._failure = error
            log.critical("a part could not be stopped", exc_info=error)

    def _abandon(self) -> None:
        """Python would wait for the threads that hang, and the container's host kills us anyway."""
        if self._runner.idle:
            # Every document is given back: only the client waits for an answer to its nacks.
            log.warning("Pub/Sub does not answer; it delivers again what it was not told of")
        else:
            self._failure = TimeoutError()
            log.critical("a job could not be given back in time; its lease will lapse")
        logging.shutdown()
        self._leave(self._code)

    def _on_loss(self, loss: EngineUnavailable) -> None:
        """As after a signal: a worker without a model takes work that others could do."""
        if self._stopping.is_set():
            return
        self._failure = loss
        log.critical("the engine is lost, and its model cannot be loaded again: %s", loss)
        self._stopping.set()

    def _serve(self, start_timeout: float) -> None:
        try:
            info = self._engine.wait_ready(start_timeout)
            fields = {
                "device": info.device_name,
                "models": info.models,
                "precision": info.precision,
                "deterministic": info.deterministic,
                "batch_rows": info.batch_rows,
            }
            log.info("ready", extra={"fields": fields})
            self._loaded = True
            self._details = {"device": info.device_name, "models": list(info.models)}
            self._look()
            self._intake.run()
        except GenerationError as error:
            # Closing the engine under its loading is how a signal ends that.
            if not self._stopping.is_set():
                self._failure = error
                log.critical("the engine cannot start: %s", error.message)
        except BaseException as error:
            if self._stopping.is_set():
                # Streams are being closed; how a service that is away puts that is no failure.
                log.warning("the intake did not end cleanly", exc_info=error)
                return
            self._failure = error
            log.critical("the intake failed", exc_info=error)
        finally:
            self._stopping.set()
