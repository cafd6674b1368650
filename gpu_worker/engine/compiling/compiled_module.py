"""One module, an eager and a compiled one over the same weights, and which of them a call gets.

`torch.nn.Module` calls what lies in `_compiled_call_impl` in the place of its forward pass: there
lies this class. It counts in how many jobs each signature is seen, and runs compiled only those
that were compiled before the job began; so nothing is swapped within a job. Bound: MOST_GRAPHS
graphs a module; from OFTEN jobs on a signature is worth one.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from gpu_worker.engine.compiling.signature import Signature, copied, signature_of
from gpu_worker.engine.faults import is_out_of_memory
from shared.json_log import trace_of

LOG = logging.getLogger(__name__)

#: Each is minutes of compiling and a place in the list that torch searches before every call.
MOST_GRAPHS = 8
#: Modules of one class: the UNets of base and refiner, with room to spare.
MOST_ALIKE = 4
#: Of each one call's inputs are kept, some megabytes: people may ask for any size.
MOST_NOTED = 32
OFTEN = 2
INDUCTOR = "inductor"


class CompiledModule:
    """Used by two threads: the engine's, between `begin_job` and `end_job`, and the one that
    compiles; `Compiling` sees to it that no compiled call runs while something is compiled."""

    def __init__(
        self,
        name: str,
        module: Any,
        *,
        whole: bool,
        usable: Callable[[], bool] = lambda: True,
        backend: str = INDUCTOR,
    ) -> None:
        """`whole`: one graph of all of it; else one of each of its repeated blocks, as diffusers
        lists them, which compiles faster by as many times. `usable` is asked before each call:
        False while its layers are not those that were compiled (LoRAs).
        """
        self.name = name
        self._module = module
        self._whole = whole
        self._usable = usable
        #: Per thread: whether the blocks below run compiled.
        self._blocks = threading.local()
        self._wanted: dict[Signature, tuple[Any, Any, int]] = {}
        self._jobs: Counter[Signature] = Counter()
        self._seen: set[Signature] = set()
        self._ready: set[Signature] = set()
        self._allowed: frozenset[Signature] = frozenset()
        #: What is compiled already may be good all the same.
        self._gave_up = False
        self._failed = False
        self._backend = backend
        self._compiled: Callable[..., Any] | None = None
        module._compiled_call_impl = self._call  # noqa: SLF001 - that is where torch looks

    @property
    def ready(self) -> int:
        """For how many signatures there is a graph."""
        return len(self._ready)

    def begin_job(self, *, compiled: bool) -> bool:
        """Whether anything of it may run compiled."""
        usable = compiled and not self._failed and self._usable()
        self._allowed = frozenset(self._ready) if usable else frozenset()
        self._seen.clear()
        return bool(self._allowed)

    def end_job(self, *, counts_as: int = 1) -> None:
        """It was as good as `counts_as` jobs: a warm-up knows what people will ask for."""
        for signature in self._seen:
            self._jobs[signature] += counts_as
        self._seen.clear()
        if len(self._jobs) > MOST_NOTED:
            self._jobs = Counter(dict(self._jobs.most_common(MOST_NOTED // 2)))
            for signature in self._wanted.keys() - self._jobs.keys():
                del self._wanted[signature]

    def next_wanted(self) -> Signature | None:
        """A signature that is worth compiling, the one seen most often first."""
        if self._gave_up or len(self._ready) >= MOST_GRAPHS or not self._usable():
            return None
        for signature, jobs in self._jobs.most_common():
            if jobs >= OFTEN and signature in self._wanted and signature not in self._ready:
                return signature
        return None

    @torch.no_grad()
    def compile(self, signature: Signature) -> None:
        """Seconds to minutes. After it the next job may use it. Raises what the compiler raises;
        nothing of this module is compiled any more then."""
        arguments, named, threads = self._wanted.pop(signature)
        # A graph is good for one number of threads, and each thread has its own.
        torch.set_num_threads(threads)
        try:
            # Not by a call of the module: its hooks belong to the job that may be running.
            if self._compiled is None:
                self._compiled = self._build()
            if self._whole:
                self._compiled(*arguments, **named)
            else:
                with self._blocks_compiled():
                    self._module.forward(*arguments, **named)
        except Exception:
            self._gave_up = True
            raise
        # A job beside may have put a LoRA around its layers: then nobody knows what was compiled.
        if self._usable():
            self._ready.add(signature)

    def _build(self) -> Callable[..., Any]:
        """Here and not sooner: it imports the compiler, which takes seconds."""
        # torch counts the graphs of all modules of a class together.
        limit = torch._dynamo.config.recompile_limit  # noqa: SLF001 - it has no other name
        torch._dynamo.config.recompile_limit = max(limit, MOST_ALIKE * MOST_GRAPHS)  # noqa: SLF001
        options: dict[str, Any] = {"fullgraph": True, "dynamic": False, "backend": self._backend}
        if self._whole:
            return torch.compile(self._module.forward, **options)
        for block in _repeated_blocks(self._module):
            compiled = torch.compile(block.forward, **options)
            block._compiled_call_impl = self._choosing(block, compiled)  # noqa: SLF001 - its place
        return self._with_blocks

    def _call(self, *arguments: Any, **named: Any) -> Any:
        module = self._module
        signature = self._note(arguments, named)
        # A job loads its LoRAs after it has begun.
        if self._compiled is None or signature not in self._allowed or not self._usable():
            return module._call_impl(*arguments, **named)  # noqa: SLF001 - torch's own eager way
        try:
            return self._compiled(*arguments, **named)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            LOG.warning(
                "compiled %s failed, and runs eagerly from now on",
                self.name,
                extra={"fields": trace_of(error)},
            )
            self._gave_up = self._failed = True
            self._allowed = frozenset()
            return module._call_impl(*arguments, **named)  # noqa: SLF001

    def _note(self, arguments: Any, named: Any) -> Signature | None:
        module = self._module
        hooks = module._forward_hooks or module._forward_pre_hooks  # noqa: SLF001 - has no other way
        if self._failed or (self._whole and hooks):
            return None  # a graph of all of it has none
        try:
            signature = signature_of((arguments, named))
        except TypeError:
            return None
        if signature not in self._seen:
            self._seen.add(signature)
            if signature not in self._ready and signature not in self._wanted:
                threads = torch.get_num_threads()
                self._wanted[signature] = (copied(arguments), copied(named), threads)
        return signature

    def _with_blocks(self, *arguments: Any, **named: Any) -> Any:
        with self._blocks_compiled():
            return self._module._call_impl(*arguments, **named)  # noqa: SLF001

    @contextmanager
    def _blocks_compiled(self) -> Iterator[None]:
        self._blocks.compiled = True
        try:
            yield
        finally:
            self._blocks.compiled = False

    def _choosing(self, block: Any, compiled: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if getattr(self._blocks, "compiled", False):
                return compiled(*arguments, **named)
            return block._call_impl(*arguments, **named)  # noqa: SLF001

        return call


def _repeated_blocks(module: Any) -> list[Any]:
    names = module._repeated_blocks or ()  # noqa: SLF001 - `compile_repeated_blocks` reads it too
    found = [it for it in module.modules() if type(it).__name__ in names]
    if not found:
        raise ValueError(f"{type(module).__name__} has no repeated blocks among {names}")
    return found
