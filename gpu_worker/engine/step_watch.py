"""Looks over a scheduler's shoulder: every few steps, small pictures of what they lead to.

The scheduler's `step` is wrapped, so it is seen what pipelines hand it: the model's output after
guidance. On a GPU that output is only on its way then, and the thread is free until the scheduler,
or a preview, looks at a number; what else there is to do is done just there.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch

from gpu_worker.engine.latent_colours import to_colours
from gpu_worker.ports import Pixels

#: A preview is made after every so many evaluations, and after the first.
EVERY_STEPS = 4

#: The model's output, the time step, the noisy latents and the number of the step, from 0, to the
#: clean latents (channels × h × w, of each picture that is to be seen) that the model has in mind.
Guess: TypeAlias = Callable[[torch.Tensor, Any, torch.Tensor, int], Sequence[torch.Tensor]]


class StepWatch:
    """`colour_map` is one of `latent_colours.fit_map`."""

    def __init__(self, colour_map: torch.Tensor) -> None:
        self._map = colour_map
        self._previews: tuple[Pixels, ...] = ()
        self._seen = 0
        self._work: Callable[[], None] = lambda: None

    def in_each_step(self, work: Callable[[], None]) -> None:
        """From now on have `work` done before each step; it must not raise."""
        self._work = work

    def begin(self, scheduler: Any, guess: Guess) -> None:
        """From now on this scheduler's steps make previews; what another's made is forgotten."""
        step = scheduler.step
        self._seen = 0
        self._previews = ()

        # Pipelines look at its signature, which `wraps` keeps.
        @functools.wraps(step)
        def watched(output: Any, timestep: Any, sample: Any, *args: Any, **options: Any) -> Any:
            self._work()
            if self._seen % EVERY_STEPS == 0:
                clean = guess(output, timestep, sample, self._seen)
                self._previews = tuple(to_colours(it, self._map) for it in clean)
            self._seen += 1
            return step(output, timestep, sample, *args, **options)

        scheduler.step = watched

    def take(self) -> tuple[Pixels, ...]:
        """The newest previews, once."""
        previews, self._previews = self._previews, ()
        return previews
