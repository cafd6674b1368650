"""The engine's end of the channel: a thread that listens to the supervisor, and the answers to it.

When the supervisor is gone, or says so, the process ends at once wherever its main thread is, so
that no orphan holds the GPU. There is nothing to save: all state is the supervisor's.
"""

import os
import queue
import threading
import time
from collections.abc import Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from gpu_worker.engine.channel import Channel, ChannelClosed
from gpu_worker.engine.protocol import (
    TO_ENGINE,
    Alive,
    Cancel,
    Done,
    Failed,
    FilmFrames,
    FilmHead,
    LoadFailed,
    PictureHead,
    Prepare,
    Progress,
    Ready,
    Run,
    Shutdown,
    Stopped,
    frames_of,
)
from gpu_worker.engine.upcoming import Upcoming
from gpu_worker.ports import (
    EngineInfo,
    EngineJob,
    EngineProgress,
    EngineResult,
    Frames,
    JobCancelled,
)
from shared.crash_points import CrashPoint, crash_point
from shared.errors import GenerationError

#: Between two signs of life; a small part of the time after which they are missed.
BEAT_SECONDS = 1.0


class SupervisorLink:
    """One job or batch at a time: the supervisor sends the next only after all answers to it."""

    def __init__(self, descriptor: int) -> None:
        self._channel: Channel[Run | Prepare | Cancel | Shutdown] = Channel(descriptor, TO_ENGINE)
        self._batches: queue.SimpleQueue[tuple[EngineJob, ...]] = queue.SimpleQueue()
        #: Ids of the jobs at hand, and of those among them that are to stop.
        self._at_hand: set[str] = set()
        self._stopped: set[str] = set()
        self._passes = 0
        #: Jobs that were heard of and have not come.
        self.upcoming = Upcoming()
        threading.Thread(target=self._listen, name="supervisor", daemon=True).start()

    def next_jobs(self) -> tuple[EngineJob, ...]:
        """Block until there is one, or several that are to be drawn together."""
        return self._batches.get()

    def stop_if_asked(self, job_id: str) -> None:
        """Raises `JobCancelled` once the supervisor has cancelled the job."""
        self._passes += 1
        if job_id in self._stopped:
            raise JobCancelled

    def report_progress(self, job_id: str, progress: EngineProgress) -> None:
        crash_point(CrashPoint.IN_ENGINE_STEP, job_id)
        self._send(Progress.of(job_id, progress), frames_of(progress.preview))

    def send_frames(self, job_id: str, frames: Frames) -> None:
        """The next ones of a film. Blocks until the supervisor has taken nearly all of them."""
        self._send(FilmFrames(job_id=job_id, shape=frames.shape), [frames])

    def say_ready(self, info: EngineInfo) -> None:
        self._send(
            Ready(
                models=info.models,
                device=info.device,
                device_name=info.device_name,
                load_seconds=info.load_seconds,
                precision=info.precision,
                deterministic=info.deterministic,
                batch_rows=info.batch_rows,
                step_seconds=dict(info.step_seconds),
                memory=dict(info.memory),
            )
        )
        threading.Thread(target=self._beat, name="signs of life", daemon=True).start()

    def say_load_failed(self, error: GenerationError) -> None:
        self._send(LoadFailed(code=error.code, message=error.message))

    def answer_done(self, job_id: str, result: EngineResult) -> None:
        crash_point(CrashPoint.IN_ENGINE_ANSWER)
        heads = tuple(
            PictureHead(
                width=picture.pixels.shape[1], height=picture.pixels.shape[0], seed=picture.seed
            )
            for picture in result.pictures
        )
        done = Done(
            job_id=job_id,
            pictures=heads,
            film=None if result.film is None else FilmHead.of(result.film),
            model=result.model,
            native_size=result.native_size,
            native_frames=result.native_frames,
            refiner=result.refiner,
            few_steps=result.few_steps,
            prompt_truncated=result.prompt_truncated,
            timings=dict(result.timings),
        )
        self._send(done, [picture.pixels for picture in result.pictures])

    def answer_failed(
        self, job_id: str, error: GenerationError, *, in_company: bool = False
    ) -> None:
        self._send(
            Failed(job_id=job_id, code=error.code, message=error.message, in_company=in_company)
        )

    def answer_stopped(self, job_id: str) -> None:
        self._send(Stopped(job_id=job_id))

    def _beat(self) -> None:
        while True:
            self._send(Alive(passes=self._passes))
            time.sleep(BEAT_SECONDS)

    def _send(
        self,
        message: Alive | Progress | FilmFrames | Ready | LoadFailed | Done | Failed | Stopped,
        frames: Sequence[NDArray[np.uint8]] = (),
    ) -> None:
        try:
            self._channel.send(message, frames)
        except ChannelClosed:
            leave()

    def _listen(self) -> None:
        jobs: list[EngineJob] = []
        while True:
            try:
                message, frames = self._channel.receive()
            except ChannelClosed:
                leave()
            match message:
                case Run():
                    if not jobs:
                        self._at_hand, self._stopped = set(), set()
                    self._at_hand.add(message.job_id)
                    self.upcoming.remove(message.job_id)
                    jobs.append(message.job(frames))
                    if message.more == 0:
                        self._batches.put(tuple(jobs))
                        jobs = []
                case Prepare():
                    self.upcoming.add(message.job_id, message.request)
                case Cancel() if message.job_id in self._at_hand:
                    self._stopped.add(message.job_id)
                case Shutdown():
                    leave()


def leave(code: int = 0) -> NoReturn:
    """End the process from any thread, at once, without waiting for the model or its libraries."""
    os._exit(code)
