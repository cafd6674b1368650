"""An engine that knows when it will be free: from progress, and from how long such a job took last.

Stands before the worker's engine and hands everything on. Of the two predictions the earlier one
counts: an engine that has to wait costs more than a message that waits here. A job that cannot be
predicted, the first of its kind without progress, counts as over: another is wanted at once.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from gpu_worker.ports import (
    Engine,
    EngineInfo,
    EngineJob,
    EngineProgress,
    EngineResult,
    EngineUnavailable,
    Frames,
    no_frames,
)
from shared.clock import Clock
from shared.request import GenerationRequest, ImageRequest

#: Before the engine is free: to pull (tens of milliseconds), to claim (two calls), and to spare.
LEAD_SECONDS = 1.0
#: Of a job's whole length, where that is more: progress is told by what stages cost on the average.
LEAD_SHARE = 0.05
#: How many kinds of job are remembered.
KINDS = 64


@dataclass(kw_only=True, slots=True, eq=False)
class _Turn:
    kind: Hashable
    #: When it came, or the one before it ended: the engine is at it since.
    began: float
    fraction: float = 0.0
    heard_at: float | None = None


class ForesightedEngine:
    """See `gpu_worker.ports.Engine`. `on_change` is called when a job gets there or leaves.

    Job ids are a document's path, a slash, and what tells its attempts apart.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._turns: list[_Turn] = []
        #: Paths of those that had their turn and are in hand still.
        self._through: set[str] = set()
        #: Seconds that the last job of a kind took.
        self._took: OrderedDict[Hashable, float] = OrderedDict()
        self.on_change: Callable[[], None] = lambda: None

    def wanted_in(self) -> float | None:
        """Seconds until another job should be fetched, 0 or less: now. None: nothing is here."""
        with self._lock:
            at_work = [it for it in self._turns if it.heard_at is not None] or self._turns[:1]
            return max(map(self._wanted_in, at_work), default=None)

    def storing(self) -> int:
        """Jobs in hand that need the engine no more."""
        with self._lock:
            return len(self._through)

    def settled(self, path: str) -> None:
        """That job is not in hand any more."""
        with self._lock:
            self._through.discard(path)

    def run(
        self,
        job: EngineJob,
        on_progress: Callable[[EngineProgress], None],
        on_frames: Callable[[Frames], None] = no_frames,
    ) -> EngineResult:
        turn = _Turn(kind=kind_of(job.request), began=self._clock.monotonic())

        def told(progress: EngineProgress) -> None:
            with self._lock:
                turn.fraction = max(turn.fraction, progress.fraction)
                turn.heard_at = self._clock.monotonic()
            on_progress(progress)

        with self._lock:
            self._turns.append(turn)
        self.on_change()
        try:
            result = self._engine.run(job, told, on_frames)
            self._learn(turn)
        finally:
            with self._lock:
                self._turns.remove(turn)
                self._through.add(job.job_id.rpartition("/")[0])
                now = self._clock.monotonic()
                for waiting in self._turns:
                    if waiting.heard_at is None:
                        waiting.began = now
            self.on_change()
        return result

    def _learn(self, turn: _Turn) -> None:
        with self._lock:
            self._took[turn.kind] = self._clock.monotonic() - turn.began
            self._took.move_to_end(turn.kind)
            if len(self._took) > KINDS:
                self._took.popitem(last=False)

    def _wanted_in(self, turn: _Turn) -> float:
        whole = [self._took[turn.kind]] if turn.kind in self._took else []
        if turn.heard_at is not None and turn.fraction:
            whole.append((turn.heard_at - turn.began) / turn.fraction)
        if not whole:
            return 0.0
        seconds = min(whole)
        lead = max(LEAD_SECONDS, LEAD_SHARE * seconds)
        return turn.began + seconds - lead - self._clock.monotonic()

    def start(self) -> None:
        self._engine.start()

    @property
    def ready(self) -> bool:
        return self._engine.ready

    @property
    def info(self) -> EngineInfo | None:
        return self._engine.info

    def wait_ready(self, timeout_seconds: float) -> EngineInfo:
        return self._engine.wait_ready(timeout_seconds)

    def watch(self, on_loss: Callable[[EngineUnavailable], None]) -> None:
        self._engine.watch(on_loss)

    def cancel(self, job_id: str) -> None:
        self._engine.cancel(job_id)

    def close(self) -> None:
        self._engine.close()


def kind_of(request: GenerationRequest) -> Hashable:
    """Requests of one kind take the same time."""
    if isinstance(request, ImageRequest):
        size = (request.width, request.height, request.num_images)
        noise = (request.strength, request.high_noise_frac, request.refiner_inference_steps)
        own: tuple[Hashable, ...] = (*size, *noise, request.scheduler, len(request.loras))
        guidance = request.guidance_scale
    else:
        own = (request.video_width, request.video_height, request.num_frames)
        guidance = request.video_guidance_scale
    # Without guidance each step is half the work, and a tier may do without it in part.
    guided = guidance > 1
    return (request.task_type, request.num_inference_steps, request.speed_tier, guided, *own)
