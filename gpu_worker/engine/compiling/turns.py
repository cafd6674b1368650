"""Whose turn it is: the job's, or the compiler's while it traces.

While `torch.fx.Tracer.trace` runs, torch has replaced `torch.nn.Module.__call__` for every thread,
so that a job's modules, called meanwhile, would end up in the compiler's graph or fail. Tracing is
the smaller part of compiling; the rest (lowering, writing and compiling kernels) disturbs nobody.
So the two take turns: a job gives the compiler its turn between two steps, and waits for it once
for each trace, seconds for the whole of a big model. A job that begins waits for the trace at hand.
"""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch.fx


class Turns:
    """For one engine's thread and one that compiles."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._working = False
        #: Whose job that is.
        self._worker: threading.Thread | None = None
        #: Traces that run or wait to.
        self._wanting = 0
        self._tracing = False
        self._tracer: threading.Thread | None = None

    @contextmanager
    def job(self) -> Iterator[None]:
        """Around all that calls modules in the engine's thread."""
        with self._changed:
            self._changed.wait_for(lambda: not self._tracing)
            self._working, self._worker = True, threading.current_thread()
        try:
            yield
        finally:
            with self._changed:
                self._working, self._worker = False, None
                self._changed.notify_all()

    def pass_on(self) -> None:
        """Between two steps of a job: whoever wants to trace does so now. Nearly free otherwise."""
        if not self._wanting:
            return
        with self._changed:
            self._working = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._wanting)
            self._working = True

    @contextmanager
    def trace(self) -> Iterator[None]:
        """Around a trace; one within another, or within a job of the same thread, has its turn."""
        if threading.current_thread() in (self._tracer, self._worker):
            yield
            return
        with self._changed:
            self._wanting += 1
            self._changed.wait_for(lambda: not (self._working or self._tracing))
            self._tracing, self._tracer = True, threading.current_thread()
        try:
            yield
        finally:
            with self._changed:
                self._tracing, self._tracer = False, None
                self._wanting -= 1
                self._changed.notify_all()


def take_turns(turns: Turns) -> None:
    """From now on every trace of this process's waits for its turn."""
    original = torch.fx.Tracer.trace

    @functools.wraps(original)
    def trace(tracer: Any, *arguments: Any, **named: Any) -> Any:
        with turns.trace():
            return original(tracer, *arguments, **named)

    # Subclasses inherit it. (An assignment to a method is what type checkers refuse.)
    type.__setattr__(torch.fx.Tracer, "trace", trace)
