"""What the demo prints: a live bar fed by the listener, and a table of seconds per stage."""

from collections.abc import Mapping
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

#: Bar length while a status has no progress of its own.
STATUS_FRACTION = {"pending": 0.0, "queued": 0.02, "processing": 0.05, "completed": 1.0}


#: In the order in which a worker goes through them.
STAGES = ["encode", "denoise", "refine", "decode", "encode_film", "compress", "upload"]


class ProgressBar:
    """A context manager; `show` takes each state of the document. Without a terminal it prints
    one line a change."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=40),
            TaskProgressColumn(),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("pending", total=1.0, detail="")
        self._last_line = ""
        self._fraction = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, document: Mapping[str, Any]) -> None:
        status = document["status"]
        progress = document.get("progress") or {}
        reached = progress.get("fraction", STATUS_FRACTION.get(status, 1.0))
        # The first steps are less than what a status alone was given.
        fraction = self._fraction = max(self._fraction, reached)
        detail = ""
        if progress:
            detail = f"{progress['stage']} {progress['step']}/{progress['total_steps']}"
        self._bar.update(self._task, description=status, completed=fraction, detail=detail)
        line = f"  {status:<11} {fraction:>4.0%} {detail}".rstrip()
        if not self._console.is_terminal and line != self._last_line:
            self._console.print(line)
        self._last_line = line


def print_timings(
    console: Console, moments: Mapping[str, float], timings: Mapping[str, float]
) -> None:
    """`moments` are epoch seconds on the phone, `timings` the worker's seconds per stage."""
    table = Table("stage", "seconds", title="Where the time went", title_justify="left")
    table.columns[1].justify = "right"

    def between(name: str, first: str, last: str) -> None:
        if first in moments and last in moments:
            table.add_row(name, f"{moments[last] - moments[first]:.3f}")

    between("phone: start and sign in", "start", "signed_in")
    between("phone: create the document", "signed_in", "created")
    between("created → worker has it, seen by the phone", "created", "processing")
    # A document's map has no order of its own.
    for stage in sorted(timings, key=STAGES.index):
        table.add_row(f"worker: {stage}", f"{timings[stage]:.3f}")
    between("created → completed, seen by the phone", "created", "completed")
    between("phone: download", "completed", "saved")
    console.print(table)
