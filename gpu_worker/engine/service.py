"""The engine process at work: one thread listens to the supervisor, the main thread runs the model.

When the supervisor is gone or says so, the process ends at once wherever the main thread is, so that
no orphan holds the GPU. There is nothing to save: all state is the supervisor's.
"""

import gc
import logging
import os
import queue
import threading
import time

from gpu_worker.engine.channel import Channel, ChannelClosed
from gpu_worker.engine.loading import choose_source, quieten
from gpu_worker.engine.protocol import (
    Cancel,
    Done,
    Failed,
    LoadFailed,
    PictureHead,
    Progress,
    Ready,
    Run,
    Shutdown,
    Stopped,
)
from gpu_worker.engine.specs import ModelSpec, find_spec
from gpu_worker.ports import EngineJob, EngineProgress, EngineResult, JobCancelled
from shared.errors import GenerationError

LOG = logging.getLogger(__name__)

#: Exit codes, for the supervisor's log.
EXIT_LOAD_FAILED = 3
EXIT_DEVICE_BROKEN = 4


class Service:
    """Serves the supervisor at the other end of `channel`."""

    def __init__(self, channel: Channel[Run | Cancel | Shutdown]) -> None:
        self._channel = channel
        self._runs: queue.SimpleQueue[EngineJob] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._job_id: str | None = None

    def serve(self, model_name: str, folder: str | None, started: float) -> int:
        """Load, then work until told otherwise; returns an exit code. `started` is monotonic."""
        threading.Thread(target=self._listen, name="supervisor", daemon=True).start()
        try:
            self._work(find_spec(model_name), folder, started)
        except GenerationError as error:
            LOG.error("%s", error.message, exc_info=error.__cause__)
            self._channel.send(LoadFailed(code=error.code, message=error.message))
            return EXIT_LOAD_FAILED
        return EXIT_DEVICE_BROKEN

    def _listen(self) -> None:
        while True:
            try:
                message, _ = self._channel.receive()
            except ChannelClosed:
                os._exit(0)
            match message:
                case Run():
                    # The supervisor sends a run after the answer to the one before only.
                    self._stop.clear()
                    self._job_id = message.job_id
                    self._runs.put(message.job())
                case Cancel() if message.job_id == self._job_id:
                    self._stop.set()
                case Shutdown():
                    os._exit(0)

    def _work(self, spec: ModelSpec, folder: str | None, started: float) -> None:
        """Returns only when the device is broken. Raises `GenerationError` from loading."""
        from pathlib import Path  # noqa: PLC0415

        source = choose_source(spec, Path(folder) if folder else None)
        quieten(source)
        # Here torch is imported: after the listener runs, so that a supervisor that dies now is seen.
        from gpu_worker.engine.device import still_works  # noqa: PLC0415
        from gpu_worker.engine.model import Model  # noqa: PLC0415

        model = Model(spec, source)
        model.warm_up()
        # What is there now stays for good; the collector need not look at it again.
        gc.collect()
        gc.freeze()
        self._channel.send(
            Ready(
                models=(spec.name,),
                device=str(model.device.torch_device),
                device_name=model.device.name,
                load_seconds=time.monotonic() - started,
                memory=model.memory_in_use(),
            )
        )
