"""The published model libraries in a process of their own, imported once for all who need them.

No test imports them with warnings as errors, and importing them takes seconds. Scripts run there
one after another, each with names and arguments of its own; what torch holds globally is shared,
so a script that draws lots seeds them. Bound: SCRIPT_SECONDS a script. The process ends with the
test run, however that ends: its pipe does.
"""

import contextlib
import importlib
import multiprocessing
import os
import sys
import traceback
from multiprocessing.connection import Connection
from typing import Any, Self

#: The longest script draws two small pictures; a machine under load gets twenty times that.
SCRIPT_SECONDS = 100.0


class PublishedLibraries:
    """Runs scripts that import diffusers, peft, torch and transformers; use it as a context."""

    def __init__(self) -> None:
        # Spawned: a fork would take the test's own threads and torch along.
        context = multiprocessing.get_context("spawn")
        self._scripts, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there,), daemon=True)
        self._process.start()
        there.close()

    def run(self, script: str, *arguments: object) -> None:
        """Run `script` as Python, with `arguments` as its `sys.argv[1:]`.

        Raises `RuntimeError` with the script's traceback, `TimeoutError` when it takes too long.
        """
        self._scripts.send((script, [str(argument) for argument in arguments]))
        if not self._scripts.poll(SCRIPT_SECONDS):
            raise TimeoutError(f"a script took longer than {SCRIPT_SECONDS:g} s:\n{script}")
        if fault := self._scripts.recv():
            raise RuntimeError(fault)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._scripts.close()
        # It does nothing that is worth waiting for.
        self._process.kill()
        self._process.join()
        self._process.close()


def _serve(scripts: "Connection[Any, Any]") -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    # More threads on a busy machine wait for each other.
    importlib.import_module("torch").set_num_threads(1)
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            scripts.send(_fault_of(*scripts.recv()))


def _fault_of(script: str, arguments: list[str]) -> str | None:
    """The traceback of a script that failed."""
    sys.argv = ["script", *arguments]
    try:
        exec(script, {"__name__": "__main__"})
    except Exception:  # noqa: BLE001 - whatever it is, the test is told
        return traceback.format_exc()
    return None
