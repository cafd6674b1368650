"""RunPod's library, and all that this project knows of it: its loop, its local server, its signals.

`Sdk.run` blocks in the main thread, where the library wants to be. Its loop sets signal handlers of
its own and then sits out calls of up to 90 s, so ours are put back as soon as the loop runs, and
tell it to end through the handler that it had set. See docs/architecture/16-runpod.md.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from types import FrameType
from typing import Any, TypeAlias

import runpod
from runpod import RunPodLogger
from runpod.http_client import AsyncClientSession
from runpod.serverless.modules.rp_http import send_result
from runpod.serverless.modules.worker_state import JobsProgress

from gpu_worker.intake.runpod.answer import Answer
from gpu_worker.intake.runpod.handler import Handler

#: Set by RunPod for its workers; without it the library runs one test job, or its local server.
LOOP_VARIABLE = "RUNPOD_WEBHOOK_GET_JOB"
LOG_VARIABLE = "RUNPOD_LOG_LEVEL"
#: Below it the library logs requests, results and their URLs.
LOWEST_LOG_LEVEL = "INFO"
LOG_LEVELS = (LOWEST_LOG_LEVEL, "WARN", "ERROR")
#: The library's own checks of GPUs import torch here and keep a context of some 500 MB on the GPU.
SKIP_CHECKS_VARIABLE = "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS"
#: Between two looks whether it has posted the results of all jobs.
LOOK_SECONDS = 0.02
LOOP_NAME = "RunPod's loop"
TICK_SECONDS = 1.0
SignalHandler: TypeAlias = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None


class Sdk:
    def __init__(
        self,
        handler: Handler,
        *,
        slots: int,
        check_fitness: Callable[[], None],
        on_tick: Callable[[str], None],
        take_signals: Callable[[], None],
    ) -> None:
        """`check_fitness` blocks until the worker is fit for jobs, or raises why it is not; a
        `SystemExit` ends it without a word to RunPod. `on_tick` is told LOOP_NAME again and again
        while the library's loop is alive. `take_signals` has SIGTERM and SIGINT be the worker's
        again; it is called from the main thread."""
        self._handler = handler
        self._slots = slots
        self._check_fitness = check_fitness
        self._on_tick = on_tick
        self._take_signals = take_signals
        self._ticking: asyncio.Task[None] | None = None
        self._ours: SignalHandler = None
        self._theirs: SignalHandler = None

    def run(self) -> int:
        """Until RunPod, a signal or `stop` ends it; the exit code. From the main thread."""
        keep_quiet()
        os.environ.setdefault(SKIP_CHECKS_VARIABLE, "true")
        # Its pings come from a process of their own. A forked one would hold the engine's pipes,
        # so that the engine outlived us, and gRPC does not survive a fork.
        multiprocessing.set_start_method("spawn", force=True)
        self._ours = signal.getsignal(signal.SIGTERM)
        runpod.serverless.register_fitness_check(self._engine_is_fit)
        try:
            runpod.serverless.start(
                {"handler": self._handle, "concurrency_modifier": self._concurrency}
            )
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else 0
        return 0

    def stop(self) -> None:
        """Take no more jobs; from any thread."""
        if callable(self._theirs):
            self._theirs(signal.SIGTERM, None)

    def settle(self, seconds: float) -> None:
        """Block until the library has posted what its jobs came to, `seconds` at most."""
        ends_at = time.monotonic() + seconds
        waiting = threading.Event()
        while len(JobsProgress()) and time.monotonic() < ends_at:
            waiting.wait(LOOK_SECONDS)

    async def _handle(self, job: Mapping[str, Any]) -> Answer:
        self._settle_in()
        return await self._handler(job)

    def _concurrency(self, _now: int) -> int:
        # The first thing that its loop asks, and asked again before each batch of jobs. Always the
        # same number: to change it, the library waits until no job is in hand.
        self._settle_in()
        return self._slots

    def _settle_in(self) -> None:
        """Once, from within the loop."""
        if self._ticking is not None:
            return
        self._ticking = asyncio.get_running_loop().create_task(self._tick())
        theirs = signal.getsignal(signal.SIGTERM)
        if theirs == self._ours:  # it runs a test job, and leaves SIGTERM to us
            return
        self._theirs = theirs
        self._take_signals()

    async def _tick(self) -> None:
        while True:
            self._on_tick(LOOP_NAME)
            await asyncio.sleep(TICK_SECONDS)

    async def _engine_is_fit(self) -> None:
        await asyncio.to_thread(self._check_fitness)


def post_progress() -> Callable[[Mapping[str, Any], Mapping[str, Any]], Awaitable[None]] | None:
    """Posts a job's progress as the library's `progress_update`; None where nobody takes it."""
    if LOOP_VARIABLE not in os.environ:
        return None

    async def post(job: Mapping[str, Any], progress: Mapping[str, Any]) -> None:
        # A session each: the library puts the job's id into the headers of the session.
        async with AsyncClientSession() as session:
            await send_result(session, {"status": "IN_PROGRESS", "output": dict(progress)}, job)

    return post


def keep_quiet() -> None:
    """Have the library log no requests, results and URLs, here and in its pinging process."""
    wanted = os.environ.get(LOG_VARIABLE, LOWEST_LOG_LEVEL).upper()
    level = wanted if wanted in LOG_LEVELS else LOWEST_LOG_LEVEL
    os.environ[LOG_VARIABLE] = level
    RunPodLogger().level = level


def end_pings() -> None:
    """End the pinging process, which would go on for a worker that is no more."""
    for child in multiprocessing.active_children():
        child.terminate()
