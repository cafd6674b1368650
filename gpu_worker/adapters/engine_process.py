"""The `Engine` port over a process of its own: turns, cancellation, restart. Never imports torch.

One condition guards all state. A job waits in line for its turn and for a loaded model, is sent,
maybe together with others that wait (`EngineLine`), and gets the outcome that the child's listening
thread puts there. A child that dies after it was ready is replaced at once; one that cannot load is
replaced only when `start` asks for it, so that a broken installation does not spin. Until then jobs
are refused, and whoever watches is told. One that hangs is killed within the `EngineBounds`, and so
has died.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from gpu_worker.adapters.engine_child import Ended, EngineChild, FromEngine
from gpu_worker.adapters.engine_line import EngineLine
from gpu_worker.adapters.engine_load import EngineLoad
from gpu_worker.adapters.engine_turn import Turn, crashed
from gpu_worker.adapters.engine_watchdog import EngineBounds
from gpu_worker.engine.batching import ALONE
from gpu_worker.engine.checking_spec import CheckChoice
from gpu_worker.engine.choice import ModelChoice
from gpu_worker.engine.compiling.choice import CompileChoice
from gpu_worker.engine.options import EngineOptions
from gpu_worker.engine.precision import Precision
from gpu_worker.engine.protocol import FilmFrames, LoadFailed, Progress, Ready
from gpu_worker.engine.specs import NO_MODEL, unsupported
from gpu_worker.engine.speed_options import SpeedOptions
from gpu_worker.engine.start_choice import StartChoice
from gpu_worker.ports import (
    EngineInfo,
    EngineJob,
    EngineProgress,
    EngineResult,
    EngineUnavailable,
    Frames,
    JobCancelled,
    no_frames,
)
from shared.errors import ErrorCode, GenerationError
from shared.request import TaskType

LOG = logging.getLogger(__name__)

#: The engine leaves at once when told; past this it hangs. Well under the 8 s that a shutdown has.
CLOSE_GRACE_SECONDS = 1.5
CLOSED = "The engine is closed."


class EngineProcess:
    """See `gpu_worker.ports.Engine`."""

    def __init__(
        self,
        model: str,
        *,
        model_dir: Path | None = None,
        film_model: str = NO_MODEL,
        film_model_dir: Path | None = None,
        check: CheckChoice = CheckChoice(),  # noqa: B008 (frozen)
        start: StartChoice = StartChoice(),  # noqa: B008 (frozen)
        compiled: CompileChoice = CompileChoice(),  # noqa: B008 (frozen)
        precision: Precision = Precision.AUTO,
        deterministic: bool = False,
        batch_rows: int | None = ALONE,
        speed: SpeedOptions = SpeedOptions(),  # noqa: B008 (frozen)
        json_log: bool = False,
        bounds: EngineBounds = EngineBounds(),  # noqa: B008 (frozen)
    ) -> None:
        """`model` is a name of the model table, or NO_MODEL, and `model_dir` a checkpoint in its
        source's place; `film_model` and `film_model_dir` likewise; the rest as in `EngineOptions`.
        """
        models = ModelChoice(
            picture=model,
            picture_folder=model_dir,
            film=film_model,
            film_folder=film_model_dir,
        )
        self._bounds = bounds
        self._arguments = EngineOptions(
            models=models,
            check=check,
            start=start,
            compiled=compiled,
            precision=precision,
            deterministic=deterministic,
            batch_rows=batch_rows,
            speed=speed,
            json_log=json_log,
        ).arguments()
        #: What the models do; None for a choice that the process will refuse.
        self._tasks: tuple[TaskType, ...] | None = None
        with suppress(GenerationError):
            self._tasks = models.tasks()
        self._changed = threading.Condition()
        picture = None
        with suppress(GenerationError):
            picture, _ = models.specs()
        self._line = EngineLine(picture)
        self._child: EngineChild | None = None
        self._load = EngineLoad()
        self._closed = False

    def start(self) -> None:
        with self._changed:
            if self._closed:
                raise GenerationError(ErrorCode.INTERNAL, CLOSED)
            if self._child is None:
                self._spawn()

    @property
    def ready(self) -> bool:
        with self._changed:
            return self._load.info is not None and not self._closed

    @property
    def info(self) -> EngineInfo | None:
        with self._changed:
            return None if self._closed else self._load.info

    def wait_ready(self, timeout_seconds: float) -> EngineInfo:
        with self._changed:
            if self._load.error is None:
                self.start()
            self._changed.wait_for(self._loaded_or_not, timeout_seconds)
            if self._closed and self._load.error is None:
                raise GenerationError(ErrorCode.INTERNAL, CLOSED)
            otherwise = f"The engine is not ready after {timeout_seconds:g} seconds."
            return self._load.require(otherwise)

    def run(
        self,
        job: EngineJob,
        on_progress: Callable[[EngineProgress], None],
        on_frames: Callable[[Frames], None] = no_frames,
    ) -> EngineResult:
        task = job.request.task_type
        if self._tasks is not None and task not in self._tasks:
            raise unsupported(task, self._tasks)
        turn = Turn(job=job, on_progress=on_progress, on_frames=on_frames)
        with self._changed:
            self._line.join(turn)
            self._line.announce(self._child)
            self._changed.notify_all()
        try:
            while turn.outcome is None:
                child = self._wait_for_turn(turn)
                if child is not None:
                    self._send(child, turn.company)
                with self._changed:  # or it has to go again
                    self._changed.wait_for(lambda: turn.outcome is not None or not turn.sent)
        finally:
            with self._changed:
                self._line.leave(turn)
                self._changed.notify_all()
        if isinstance(turn.outcome, EngineResult):
            return turn.outcome
        raise turn.outcome

    def watch(self, on_loss: Callable[[EngineUnavailable], None]) -> None:
        with self._changed:
            self._load.watch(on_loss)

    def cancel(self, job_id: str) -> None:
        with self._changed:
            for turn in self._line.named(job_id):
                turn.cancelled = True
                if turn.sent and self._child is not None:
                    self._child.cancel(job_id)
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            if self._closed:  # a second time would wait once more for a process that dies slowly
                return
            self._closed = True
            child = self._child
            self._changed.notify_all()
        if child is None:
            return
        child.end(CLOSE_GRACE_SECONDS)
        with self._changed:
            # Whoever runs the job has it to give back: that need not wait until the process is
            # gone, nor for its thread, which may be held up in a listener of frames.
            for turn in self._line.at_work:
                turn.outcome = JobCancelled()
            self._changed.notify_all()
        child.bury()

    @property
    def pid(self) -> int | None:
        """The engine's process id, for logs and for tests that kill it."""
        with self._changed:
            return self._child.pid if self._child else None

    def _wait_for_turn(self, turn: Turn) -> EngineChild | None:
        """The process to which this turn's caller sends it and its company; None when another
        turn's has taken it along."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped(turn) or turn.sent or self._line.is_next(turn)
            )
            if turn.sent:
                return None
            if not self._stopped(turn) and self._child is None and self._load.error is None:
                self._spawn()
            self._changed.wait_for(lambda: self._stopped(turn) or self._loaded_or_not())
            if self._stopped(turn):
                raise JobCancelled
            if self._load.error is not None:
                raise turn.crash or EngineUnavailable(self._load.error.message)
            if self._child is None:
                raise AssertionError("a ready engine has a process")
            self._line.send_next()
            self._changed.notify_all()
            return self._child

    def _send(self, child: EngineChild, batch: Sequence[Turn]) -> None:
        for count, turn in enumerate(batch, 1):
            message, frames = turn.message(more=len(batch) - count)
            child.run(message, frames, limit_seconds=turn.seconds_left(time.monotonic()))
        with self._changed:
            for turn in batch:
                if turn.cancelled:  # asked for before the engine knew of the job
                    child.cancel(turn.job.job_id)
            self._line.announce(child)

    def _stopped(self, turn: Turn) -> bool:
        return turn.cancelled or self._closed

    def _loaded_or_not(self) -> bool:
        return self._load.over or self._closed

    def _spawn(self) -> None:
        self._load.error = None
        try:
            child = EngineChild(
                self._arguments,
                on_message=self._on_message,
                on_overdue=self._on_overdue,
                on_end=self._on_end,
                bounds=self._bounds,
            )
        except OSError as error:  # the machine is out of processes, memory or file descriptors
            self._load.fail(
                GenerationError(
                    ErrorCode.INTERNAL, f"The engine process cannot be started: {error.strerror}."
                )
            )
            return
        self._child = child
        self._child.listen()
        LOG.info("engine process %d started", self._child.pid)

    def _on_message(self, message: FromEngine, frames: list[bytes]) -> None:
        if isinstance(message, Progress | FilmFrames):
            with self._changed:
                turn = self._line.working(message.job_id)
                if turn is not None and isinstance(message, FilmFrames):
                    turn.dropped |= self._stopped(turn) or turn.overdue
            if turn is not None:
                turn.hear(message, frames)
            return
        with self._changed:
            match message:
                case Ready():
                    self._load.succeed(message.info())
                    self._line.limit = message.batch_rows
                case LoadFailed():
                    self._load.fail(GenerationError(message.code, message.message))
                case _:
                    self._line.answer(message, frames, closed=self._closed)
            self._changed.notify_all()

    def _on_overdue(self, job_id: str) -> None:
        with self._changed:
            turn = self._line.working(job_id)
            if turn is not None and self._child is not None:
                LOG.warning("job %s has reached its time limit", job_id)
                turn.overdue = True
                self._child.cancel(job_id)

    def _on_end(self, ended: Ended) -> None:
        with self._changed:
            LOG.log(logging.INFO if self._closed else logging.ERROR, "%s", ended.how)
            was_ready, self._child = self._load.lose(), None
            self._line.lose(ended.how, closed=self._closed, stuck=ended.stuck)
            if self._closed:
                pass
            elif not ended.gone:
                # It still holds the GPU: another one beside it would not load either.
                self._load.fail(GenerationError(ErrorCode.INTERNAL, f"The {ended.how}."))
            elif was_ready:
                self._spawn()
            elif self._load.error is None:
                self._load.fail(crashed(ended.how))
            self._changed.notify_all()
