"""An `Engine` without a model or a process: plays a script, for tests of what stands around it.

Turns, batches, progress, cancellation, failures and crashes are those of the port, under the same
contract suite as the real one. What it makes is `in_memory_pictures`'s.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gpu_worker.engine.batching import ALONE
from gpu_worker.engine.company import Waiting, choose_company, company_key, rows_of
from gpu_worker.engine.specs import FILM_TASKS, PICTURE_TASKS, SHAPES, unsupported
from gpu_worker.in_memory_pictures import (
    FILM_MODEL,
    MODEL,
    chunks_of,
    film_of,
    frame_count,
    paint_frames,
    pictures_of,
    preview_of,
)
from gpu_worker.ports import (
    EngineInfo,
    EngineJob,
    EngineProgress,
    EngineResult,
    EngineUnavailable,
    Frames,
    JobCancelled,
    Pixels,
    no_frames,
    timed_out,
)
from shared.errors import ErrorCode, GenerationError
from shared.request import ImageRequest, TaskType

ALL_TASKS = (*PICTURE_TASKS, *FILM_TASKS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """What happens to one job. Steps count from 1; the events of a step come before its report."""

    #: None: as many as the request asks for.
    steps: int | None = None
    #: Wait there until `release`, `cancel` or `close`, or for as long as the job may last.
    hold_at: int | None = None
    #: Raise `failure` there, or crash when there is none.
    fail_at: int | None = None
    failure: GenerationError | None = None
    #: Of a film: the same before the frame of this number; frames count from 1.
    hold_at_frame: int | None = None
    fail_at_frame: int | None = None
    #: Of a film: no frame is handed over, which no engine that is whole does.
    loses_frames: bool = False


@dataclass(kw_only=True, slots=True, eq=False)
class _Turn:
    job: EngineJob
    cancelled: bool = False
    held: bool = False
    released: bool = False
    ends_at: float | None = None
    #: At work, alone or together with others.
    sent: bool = False

    def begin(self) -> None:
        limit = self.job.time_limit_seconds
        self.ends_at = None if limit is None else time.monotonic() + limit

    def seconds_left(self) -> float | None:
        return None if self.ends_at is None else max(0.0, self.ends_at - time.monotonic())


class InMemoryEngine:
    """`script` is asked once a job; a `load_error` is why neither it nor any job gets ready."""

    def __init__(
        self,
        script: Callable[[EngineJob], Script] = lambda _: Script(),
        *,
        load_error: GenerationError | None = None,
        tasks: tuple[TaskType, ...] = ALL_TASKS,
        batch_rows: int = ALONE,
    ) -> None:
        self._script = script
        self._tasks = tasks
        self._batch_rows = batch_rows
        self._info = EngineInfo(
            models=(MODEL, FILM_MODEL),
            device="cpu",
            device_name="none",
            load_seconds=0.0,
            batch_rows=batch_rows,
        )
        self._load_error = load_error
        self._changed = threading.Condition()
        self._line: deque[_Turn] = deque()
        self._closed = False
        self._lost = False
        self._on_loss: Callable[[EngineUnavailable], None] = lambda _: None
        #: Ids of the jobs that got their turn, in order.
        self.ran: list[str] = []

    def start(self) -> None:
        if self._closed:
            raise GenerationError(ErrorCode.INTERNAL, "The engine is closed.")

    @property
    def ready(self) -> bool:
        return self._load_error is None and not self._closed

    @property
    def info(self) -> EngineInfo | None:
        return self._info if self.ready else None

    def wait_ready(self, timeout_seconds: float) -> EngineInfo:  # noqa: ARG002 - it is ready at once
        if self._load_error is not None:
            raise self._load_error
        self.start()
        return self._info

    def run(
        self,
        job: EngineJob,
        on_progress: Callable[[EngineProgress], None],
        on_frames: Callable[[Frames], None] = no_frames,
    ) -> EngineResult:
        if job.request.task_type not in self._tasks:
            raise unsupported(job.request.task_type, self._tasks)
        turn = _Turn(job=job)
        with self._changed:
            self._line.append(turn)
            self._changed.notify_all()
        try:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._stopped(turn) or turn.sent or self._is_next(turn)
                )
                self._check(turn)
                if not turn.sent:
                    self._send_next()
                if self._load_error is not None:
                    raise EngineUnavailable(self._load_error.message)
                self.ran.append(job.job_id)
                turn.begin()
            return self._play(turn, job, on_progress, on_frames)
        finally:
            with self._changed:
                self._line.remove(turn)
                self._changed.notify_all()

    def watch(self, on_loss: Callable[[EngineUnavailable], None]) -> None:
        with self._changed:
            self._on_loss = on_loss
            if self._lost and self._load_error is not None:
                on_loss(EngineUnavailable(self._load_error.message))

    def lose(self, reason: str) -> None:
        """The process dies, and what it was loaded from is gone: the job at work crashes."""
        with self._changed:
            self._load_error, self._lost = GenerationError(ErrorCode.INTERNAL, reason), True
            self._on_loss(EngineUnavailable(reason))
            self._changed.notify_all()

    def cancel(self, job_id: str) -> None:
        with self._changed:
            for turn in self._turns(job_id):
                turn.cancelled = True
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_held(self, job_id: str, timeout_seconds: float = 10) -> None:
        """Block until the job stands where its script holds it. Raises `TimeoutError`."""
        with self._changed:
            if not self._changed.wait_for(
                lambda: any(turn.held for turn in self._turns(job_id)), timeout_seconds
            ):
                raise TimeoutError(f"{job_id} did not get to its hold in {timeout_seconds} s")

    def release(self, job_id: str) -> None:
        """Let a job pass its holds, now or when it gets there."""
        with self._changed:
            for turn in self._turns(job_id):
                turn.released = True
            self._changed.notify_all()

    def _play(
        self,
        turn: _Turn,
        job: EngineJob,
        on_progress: Callable[[EngineProgress], None],
        on_frames: Callable[[Frames], None],
    ) -> EngineResult:
        request = job.request
        script = self._script(job)
        total = request.num_inference_steps if script.steps is None else script.steps
        # Of a film, the frames are the last step.
        whole = total if isinstance(request, ImageRequest) else total + 1

        def tell(stage: str, step: int, fraction: float, preview: Pixels | None = None) -> None:
            on_progress(
                EngineProgress(
                    stage=stage, step=step, total_steps=total, fraction=fraction, preview=preview
                )
            )

        tell("encode", 0, 0.0)
        for step in range(1, total + 1):
            self._before(turn, script, hold=step == script.hold_at, fail=step == script.fail_at)
            tell("denoise", step, step / whole, preview_of(job, step))
        with self._changed:
            self._check(turn)
        tell("decode", total, total / whole if whole else 0.0)
        if isinstance(request, ImageRequest):
            return pictures_of(job, request)
        count = frame_count(request)
        for numbers in chunks_of(count):
            self._before(
                turn,
                script,
                hold=script.hold_at_frame in numbers,
                fail=script.fail_at_frame in numbers,
            )
            if not script.loses_frames:
                on_frames(paint_frames(job, request, numbers))
            tell("decode", total, (total + numbers[-1] / count) / whole)
        with self._changed:
            self._check(turn)
        return film_of(job, request)

    def _before(self, turn: _Turn, script: Script, *, hold: bool, fail: bool) -> None:
        with self._changed:
            if hold:
                turn.held = True
                self._changed.notify_all()
                self._changed.wait_for(
                    lambda: self._stopped(turn) or turn.released or self._lost, turn.seconds_left()
                )
                turn.held = False
            self._check(turn)
            lost = self._lost
        if lost or fail:
            raise (None if lost else script.failure) or _crash()

    def _is_next(self, turn: _Turn) -> bool:
        return self._line[0] is turn and not any(it.sent for it in self._line)

    def _send_next(self) -> None:
        """The oldest, and those that go along as they do with the embedded model."""
        waiting = [
            Waiting(
                job_id=it.job.job_id,
                rows=rows_of(it.job),
                key=None if it.cancelled else company_key(SHAPES, it.job),
            )
            for it in self._line
        ]
        for index in choose_company(waiting, self._batch_rows):
            self._line[index].sent = True
        self._changed.notify_all()

    def _turns(self, job_id: str) -> list[_Turn]:
        return [turn for turn in self._line if turn.job.job_id == job_id]

    def _stopped(self, turn: _Turn) -> bool:
        return turn.cancelled or self._closed

    def _check(self, turn: _Turn) -> None:
        if self._stopped(turn):
            raise JobCancelled
        limit = turn.job.time_limit_seconds
        if limit is not None and turn.seconds_left() == 0:
            raise timed_out(turn.job.request, limit)


def _crash() -> GenerationError:
    return GenerationError(
        ErrorCode.ENGINE_CRASHED, "The engine stopped unexpectedly; it may be tried again."
    )
