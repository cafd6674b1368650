"""Compiles models in a thread beside the engine's jobs; what that made is kept for the next start.

The engine is ready before anything here begins. A job that begins while something is being compiled
runs eagerly, and compiling begins when no job runs compiled, so that nothing is compiled for a job
that waits; while torch traces, the job pauses between two steps (`Turns`). A compilation that fails
is said once, and eager goes on.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from gpu_worker.engine.compiling.compiled_module import OFTEN, CompiledModule
from gpu_worker.engine.compiling.kept import KeptCompilations
from gpu_worker.engine.compiling.signature import Signature
from gpu_worker.engine.compiling.turns import Turns, take_turns

LOG = logging.getLogger(__name__)

#: Characters: the first line of a compiler's error names the compiler only.
MOST_REASON = 300


class Compiling:
    def __init__(
        self,
        modules: Sequence[CompiledModule],
        kept: Sequence[KeptCompilations] = (),
        *,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        """`kept`: a file for each model. `has_room`: whether the device has memory for one more
        evaluation beside a job's."""
        self._modules = modules
        self._kept = kept
        self._has_room = has_room
        self._turns = Turns()
        self._changed = threading.Condition()
        #: Something is being compiled, or waits for the job that runs compiled to end.
        self._busy = False
        self._runs_compiled = False

    def start(self) -> None:
        """Once the engine has said that it is ready."""
        take_turns(self._turns)
        threading.Thread(target=self._work, name="compiling", daemon=True).start()

    @contextmanager
    def job(self, *, is_warm_up: bool = False) -> Iterator[None]:
        """Around all that one job computes; in the engine's thread."""
        with self._changed:
            eager = self._busy
            begun = [module.begin_job(compiled=not eager) for module in self._modules]
            self._runs_compiled = any(begun)
        try:
            with self._turns.job():
                yield
        finally:
            with self._changed:
                for module in self._modules:
                    module.end_job(counts_as=OFTEN if is_warm_up else 1)
                self._runs_compiled = False
                self._changed.notify_all()

    def between_steps(self) -> None:
        """In a job, often: the compiler may be waiting for its turn."""
        self._turns.pass_on()

    def wait_until_ready(self, graphs: int, timeout_seconds: float) -> bool:
        """Whether there are so many in that time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: sum(module.ready for module in self._modules) >= graphs, timeout_seconds
            )

    def compile_all(self) -> int:
        """What is worth it by now, in this thread; how many graphs there are then. For `bake`."""
        while (wanted := self._next()) is not None:
            self._compile(*wanted)
        return sum(module.ready for module in self._modules)

    def _work(self) -> None:
        for kept in self._kept:
            kept.load()
        while True:
            with self._changed:
                wanted = None
                while wanted is None:
                    wanted = self._next() if self._has_room() else None
                    if wanted is None:
                        self._changed.wait()
                self._busy = True
                self._changed.wait_for(lambda: not self._runs_compiled)
            try:
                self._compile(*wanted)
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def _next(self) -> tuple[CompiledModule, Signature] | None:
        for module in self._modules:
            if (signature := module.next_wanted()) is not None:
                return module, signature
        return None

    def _compile(self, module: CompiledModule, signature: Signature) -> None:
        began = time.monotonic()
        try:
            module.compile(signature)
        except Exception as error:  # noqa: BLE001 - compilers raise anything
            reason = " ".join(str(error).split())[:MOST_REASON]
            LOG.warning(
                "%s could not be compiled and runs eagerly: %s: %s",
                *(module.name, type(error).__name__, reason),
            )
            return
        LOG.info("compiled %s in %.0f s", module.name, time.monotonic() - began)
        for kept in self._kept:
            kept.save()
