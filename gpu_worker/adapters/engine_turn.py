"""One job at the engine process: what its caller hears of it meanwhile, and what it ends with.

Holds no lock: the fields change under `EngineProcess`'s condition, and `hear` is called outside it,
from the child's one listening thread, for as long as the listener takes.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gpu_worker.engine.protocol import (
    Done,
    Failed,
    FilmFrames,
    Prepare,
    Progress,
    Run,
    Stopped,
    frames_of,
)
from gpu_worker.ports import (
    EngineJob,
    EngineProgress,
    EngineResult,
    Frames,
    JobCancelled,
    Picture,
    timed_out,
)
from shared.errors import ErrorCode, GenerationError
from shared.json_log import trace_of
from shared.request import ImageRequest

LOG = logging.getLogger(__name__)

#: Fields of a request that may hold whole images, which say nothing of its texts; and what such a
#: field has in their place.
IMAGES = ("image_url", "mask_url")
NOT_SENT = "data:image/none"
#: What a listener is told: progress, or frames.
Heard = TypeVar("Heard")


@dataclass(kw_only=True, slots=True, eq=False)
class Turn:
    """One `run` call, in line or running."""

    job: EngineJob
    on_progress: Callable[[EngineProgress], None]
    on_frames: Callable[[Frames], None]
    #: Made by its own caller: if that fails, it is no fault of whoever sends it along.
    _run: Run = field(init=False)
    cancelled: bool = False
    #: Some frames of its film were not handed on, since nobody wanted it any more.
    dropped: bool = False
    sent: bool = False
    #: The process was told that it waits.
    announced: bool = False
    #: Those that it was sent with, itself too.
    company: "list[Turn]" = field(default_factory=list)
    #: Once it failed in company, it goes by itself.
    alone: bool = False
    #: On the monotonic clock: when it was first sent.
    began: float | None = None
    #: The process died under its batch: what it ends with where no other can be had.
    crash: GenerationError | None = None
    #: Of the job: the furthest that its listener has heard of.
    heard: float = 0.0
    #: It has reached its time limit, and was told to stop.
    overdue: bool = False
    outcome: EngineResult | BaseException | None = None

    def __post_init__(self) -> None:
        self._run = Run.of(self.job)

    def message(self, *, more: int) -> tuple[Run, list[NDArray[np.uint8]]]:
        """What has the engine draw it, with `more` of its company to come after it."""
        run = self._run.model_copy(update={"more": more})
        return run, frames_of(self.job.image, self.job.mask)

    def announcement(self) -> Prepare | None:
        """What has the engine read its texts ahead; None where it never does."""
        request = self.job.request
        # A film's texts are a two-thousandth of its seconds; LoRAs go on when their job comes.
        with_loras = self.job.loras or self.job.few_steps
        if not isinstance(request, ImageRequest) or with_loras:
            return None
        images = {name: NOT_SENT for name in IMAGES if hasattr(request, name)}
        return Prepare(job_id=self.job.job_id, request=request.model_copy(update=images))

    def seconds_left(self, now: float) -> float | None:
        """Of its time limit, which runs on from its beginning when it goes a second time."""
        limit = self.job.time_limit_seconds
        if self.began is None:
            self.began = now
        return None if limit is None else max(0.0, self.began + limit - now)

    @property
    def wanted(self) -> bool:
        """False when it would be stopped at once if it went again."""
        return not self.cancelled and not self.overdue

    def go_again(self) -> None:
        """Back into line, alone: it failed in company."""
        self.sent, self.alone, self.company = False, True, []

    def hear(self, message: Progress | FilmFrames, frames: list[bytes]) -> None:
        """Hand on what the process says of the job under way."""
        match message:
            # One that goes again begins anew; its listener hears nothing until it has caught up.
            case Progress() if message.fraction >= self.heard:
                self.heard = message.fraction
                self._tell(self.on_progress, message.progress(frames))
            case FilmFrames() if not self.dropped:
                self._tell(self.on_frames, message.film_frames(frames))

    def end(self, message: Done | Failed | Stopped, frames: list[bytes]) -> None:
        """Keep the outcome; a film that lacks frames is no result."""
        self.outcome = _outcome(message, frames)
        stopped = self.dropped or isinstance(self.outcome, JobCancelled)
        if stopped and isinstance(self.outcome, EngineResult | JobCancelled):
            self.outcome = self._stopped()

    def lose(self, how: str, *, closed: bool, stuck: bool) -> None:
        """The process ended under it. `closed`: because we closed it; `stuck`: because it no longer
        moved, which is a crash at any time, and a time-out never."""
        if closed or self.cancelled:
            self.outcome = JobCancelled()
        elif stuck or not self.overdue:
            self.outcome = crashed(how)
        else:
            self.outcome = self._stopped()
            self.outcome.__cause__ = ChildProcessError(how)

    def _stopped(self) -> BaseException:
        limit = self.job.time_limit_seconds
        if self.cancelled or not self.overdue or limit is None:
            return JobCancelled()
        return timed_out(self.job.request, limit)

    def _tell(self, listener: Callable[[Heard], None], heard: Heard) -> None:
        try:
            listener(heard)
        except Exception as error:  # noqa: BLE001 (its fault must not cost everybody the engine)
            fields = trace_of(error)
            LOG.error(  # noqa: TRY400 (its text may quote the prompt)
                "job %s: its listener failed: %s",
                self.job.job_id,
                fields["error"],
                extra={"fields": fields},
            )


def crashed(how: str) -> GenerationError:
    """The end of a process, `how`: for the person a sentence; for the log, `how` as its cause."""
    error = GenerationError(
        ErrorCode.ENGINE_CRASHED, "The engine stopped unexpectedly; the request may be tried again."
    )
    error.__cause__ = ChildProcessError(how)
    return error


def _outcome(message: Done | Failed | Stopped, frames: list[bytes]) -> EngineResult | BaseException:
    match message:
        case Stopped():
            return JobCancelled()
        case Failed():
            return GenerationError(message.code, message.message)
        case Done():
            pictures = tuple(
                Picture(
                    pixels=np.frombuffer(frame, np.uint8).reshape(head.height, head.width, 3),
                    seed=head.seed,
                )
                for head, frame in zip(message.pictures, frames, strict=True)
            )
            return EngineResult(
                pictures=pictures,
                film=None if message.film is None else message.film.film(),
                model=message.model,
                native_size=message.native_size,
                native_frames=message.native_frames,
                refiner=message.refiner,
                few_steps=message.few_steps,
                prompt_truncated=message.prompt_truncated,
                timings=message.timings,
            )
