"""Takes rows out of a batch that is being denoised, so that they cost nothing from then on.

A pipeline's loop takes changed tensors back from its callback at the end of a step. Beside them a
row lives in the state of the scheduler, which for a solver of higher order has the outputs of steps
before, and in the list of generators.
"""

from collections.abc import Sequence
from typing import Any

import torch

#: Of samples and outputs: rows, channels, height, width. What describes a schedule has one.
SAMPLE_DIMENSIONS = 4
#: What every SDXL pipeline takes back. Under guidance all but the latents have two halves.
LATENTS = "latents"
TENSORS = (LATENTS, "prompt_embeds", "add_text_embeds", "add_time_ids")


def keep_rows(
    kept: Sequence[int],
    tensors: dict[str, torch.Tensor],
    scheduler: Any,
    generators: list[torch.Generator],
) -> dict[str, torch.Tensor]:
    """`tensors` (those named TENSORS) of the rows `kept` only; scheduler and list are changed."""
    rows = len(tensors[LATENTS])
    generators[:] = [generators[row] for row in kept]
    for name, value in vars(scheduler).items():
        # Else it is of the schedule, and of no row.
        if isinstance(value, torch.Tensor | list):
            setattr(scheduler, name, _kept_of_state(value, kept, rows))
    return {name: _kept_of(value, kept, rows) for name, value in tensors.items()}


def _kept_of(value: torch.Tensor, kept: Sequence[int], rows: int) -> torch.Tensor:
    """Of a tensor that has `rows` once, or a second time under guidance."""
    return value[[half + row for half in range(0, len(value), rows) for row in kept]]


def _kept_of_state(value: Any, kept: Sequence[int], rows: int) -> Any:
    if isinstance(value, list):
        return [_kept_of_state(it, kept, rows) for it in value]
    if isinstance(value, torch.Tensor) and value.ndim == SAMPLE_DIMENSIONS and len(value) == rows:
        return value[list(kept)]
    return value
