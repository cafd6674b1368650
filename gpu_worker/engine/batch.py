"""Jobs that are drawn in one batch, each for itself: its rows, its progress, its end, its seconds.

Whoever is cancelled or fails in what is its own leaves, is answered at once, and its rows are left
out from the next step on. What fails while all are drawn together fails all that are there, and
says so: alone they may succeed.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from gpu_worker.engine.device import Device, wait_for
from gpu_worker.engine.faults import is_out_of_memory
from gpu_worker.engine.framing import Frame
from gpu_worker.engine.preview import Previewer
from gpu_worker.engine.seat import Fault, Outcome, Seat
from gpu_worker.engine.sizes import Sizes
from gpu_worker.engine.stages import Encoded
from gpu_worker.engine.timing import StageTimer
from gpu_worker.ports import (
    EngineProgress,
    EngineResult,
    FewSteps,
    JobCancelled,
    LoraFile,
    Pixels,
)
from shared.errors import GenerationError
from shared.request import ImageRequest, SpeedTier


class Nobody(Exception):
    """Every job of the batch has its answer."""


@dataclass(kw_only=True, slots=True, eq=False)
class Sketch:
    """What one job's pictures are made of. Each is a row of the batch."""

    seat: Seat
    #: As it is drawn.
    request: ImageRequest
    sizes: Sizes
    frame: Frame | None
    generators: Sequence[torch.Generator]
    timer: StageTimer
    few_steps: FewSteps | None = None
    encoded: Encoded | None = None
    for_refiner: Encoded | None = None
    #: Latents of its input image.
    latents: Any = None

    @property
    def rows(self) -> int:
        return len(self.generators)

    @property
    def chosen(self) -> tuple[LoraFile, ...]:
        """What it is drawn with, and its request did not ask for."""
        return () if self.few_steps is None else (self.few_steps.lora,)


@dataclass(kw_only=True, slots=True)
class Batch:
    """Iterating goes over the jobs that are still there, whose rows follow each other."""

    device: Device
    previewer: Previewer
    present: list[Sketch] = field(default_factory=list[Sketch])
    #: Of all legs together, equal for all jobs.
    evaluations: int = 0
    #: The model failed one of the jobs.
    _failed: bool = False
    #: The stage that all share just now, and since when its seconds have not been shared out.
    _stage: str | None = None
    _since: float = field(default=0.0)

    def __iter__(self) -> Iterator[Sketch]:
        return iter(tuple(self.present))

    @property
    def speed_tier(self) -> SpeedTier:
        """Equal for all jobs; there must be one."""
        return self.present[0].request.speed_tier

    @property
    def first_rows(self) -> list[int]:
        """Of each job, in order."""
        starts, row = [], 0
        for sketch in self.present:
            starts.append(row)
            row += sketch.rows
        return starts

    @property
    def generators(self) -> list[torch.Generator]:
        return [it for sketch in self.present for it in sketch.generators]

    @contextmanager
    def own(self, sketch: Sketch) -> Iterator[None]:
        """Around what concerns one job only: if it raises there, that job leaves."""
        try:
            yield
        except JobCancelled as stop:
            self._leave(sketch, Fault(error=stop))
        except Exception as error:  # noqa: BLE001 - its job is told
            # Beside others there was less room for it.
            crowded = len(self.present) > 1 and is_out_of_memory(error)
            inherited = self._is_inherited(error)
            self._failed |= not isinstance(error, GenerationError) and not is_out_of_memory(error)
            self._leave(sketch, Fault(error=error, in_company=crowded or inherited))

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Around all: answers whoever has no answer when something raises."""
        try:
            yield
        except Nobody:
            pass
        except Exception as error:  # noqa: BLE001 - the boundary: each job is told
            in_company = len(self.present) > 1 or self._is_inherited(error)
            for sketch in self:
                self._leave(sketch, Fault(error=error, in_company=in_company))

    def finish(self, sketch: Sketch, result: EngineResult) -> None:
        self._leave(sketch, result)

    def enter(self, stage: str, step: int) -> list[int] | None:
        """Tell every job how far it is, and ask whether it is wanted; `step` counts over all legs.

        The rows that go on, None for all. Raises `Nobody`.
        """
        before = tuple(self.present)
        previews = self.previewer.take() if step else ()
        for place, sketch in enumerate(before):
            with self.own(sketch):
                self.tell(sketch, stage, step, previews[place] if previews else None)
        return self._kept(before)

    def tell(self, sketch: Sketch, stage: str, step: int, preview: Pixels | None = None) -> None:
        """One job how far it is. Raises `JobCancelled` when it is not wanted."""
        sketch.seat.report(
            EngineProgress(
                stage=stage,
                step=step,
                total_steps=self.evaluations,
                # Beside the steps the other stages of a picture take next to nothing.
                fraction=step / self.evaluations if self.evaluations else 0.0,
                preview=preview,
            )
        )
        sketch.seat.stop_if_asked()

    def ask_all(self) -> None:
        """Let go whoever is not wanted any more."""
        for sketch in self:
            with self.own(sketch):
                sketch.seat.stop_if_asked()

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Around what is done for all at once: each is charged by its rows."""
        self._stage, self._since = stage, time.perf_counter()
        try:
            yield
            self._share_out()
        finally:
            self._stage = None

    def _is_inherited(self, error: Exception) -> bool:
        """Whether it may come of another job's fault, which can leave the device of no use."""
        return self._failed and not isinstance(error, GenerationError)

    def _kept(self, before: Sequence[Sketch]) -> list[int] | None:
        if not self.present:
            raise Nobody
        if len(self.present) == len(before):
            return None
        kept: list[int] = []
        row = 0
        for sketch in before:
            if sketch in self.present:
                kept += range(row, row + sketch.rows)
            row += sketch.rows
        return kept

    def _leave(self, sketch: Sketch, outcome: Outcome) -> None:
        self._share_out()
        self.present.remove(sketch)
        sketch.seat.answer(outcome)

    def _share_out(self) -> None:
        """Charge who is there for the stage so far."""
        if self._stage is None:
            return
        wait_for(self.device)
        now = time.perf_counter()
        rows = sum(it.rows for it in self.present)
        for sketch in self.present:
            sketch.timer.add(self._stage, (now - self._since) * sketch.rows / rows)
        self._since = now


def joined(parts: Sequence[Encoded]) -> Encoded:
    """The rows of all, in order. They have the same guidance scale."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return Encoded(
        prompt=torch.cat([it.prompt for it in parts]),
        pooled=torch.cat([it.pooled for it in parts]),
        negative_prompt=_all_or_none([it.negative_prompt for it in parts]),
        negative_pooled=_all_or_none([it.negative_pooled for it in parts]),
        guidance_scale=first.guidance_scale,
        truncated=any(it.truncated for it in parts),
    )


def _all_or_none(parts: Sequence[torch.Tensor | None]) -> torch.Tensor | None:
    there = [it for it in parts if it is not None]
    return torch.cat(there) if there else None
