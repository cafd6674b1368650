"""The attention kernels of an engine's models: forced, known from another start, or tried now."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from gpu_worker.engine.attention import AttentionOrder, Calls, Ranking, rank, watched_calls
from gpu_worker.engine.device import Device
from gpu_worker.engine.speed_options import Attention

LOG = logging.getLogger(__name__)

FILE_NAME = "attention.json"


class AttentionChoice:
    """One choice a kind of model: what is good for pictures need not be so for films."""

    def __init__(self, wanted: Attention, device: Device, folder: Path | None = None) -> None:
        """`folder` keeps what a trial finds, for the next start. AUTO tries nothing on a CPU, nor
        where results are to be the same bytes again: a trial's outcome is a matter of chance."""
        self._wanted = wanted
        self._device = device
        self._file = None if folder is None else folder / FILE_NAME
        self._order = AttentionOrder()
        self._rankings: dict[str, Ranking] = {}

    @property
    def tries(self) -> bool:
        """Whether warm-ups need to be watched."""
        return (
            self._wanted is Attention.AUTO
            and self._device.is_gpu
            and not torch.are_deterministic_algorithms_enabled()
        )

    @contextmanager
    def watching(self, kind: str) -> Iterator[None]:
        """Around a job of this `kind` that warms up: its calls decide."""
        if not self.tries:
            yield
            return
        with watched_calls() as calls:
            yield
        self.decide(kind, calls)

    def use(self, kind: str) -> None:
        """For what is computed from now on."""
        if self._wanted is Attention.AUTO:
            self._order.use(tuple(self._rankings.get(kind, ())))
        else:
            self._order.use((self._wanted,))

    def decide(self, kind: str, calls: Calls) -> None:
        """By what is known of these calls, else by a trial."""
        key = self._key(calls)
        known = self._known()
        if key not in known:
            known[key] = rank(calls, self._device)
            self._keep(known)
        ranking = self._rankings[kind] = known[key]
        told = ", ".join(f"{name.value} {1000 * it:.2f} ms" for name, it in ranking.items())
        LOG.info("attention for %s: %s", kind, told)

    def _key(self, calls: Calls) -> str:
        shapes = "; ".join(
            f"{count} of {shape.rows}×{shape.heads}×{shape.queries}×{shape.keys}×{shape.channels}"
            for shape, count in sorted(calls.items())
        )
        device = self._device
        return f"{device.name}, torch {torch.__version__}, {device.precision.value}: {shapes}"

    def _known(self) -> dict[str, Ranking]:
        if self._file is None or not self._file.is_file():
            return {}
        try:
            return {key: _ranking(it) for key, it in json.loads(self._file.read_text()).items()}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            LOG.warning("attention: %s cannot be read and is made anew: %s", self._file, error)
            return {}

    def _keep(self, known: dict[str, Ranking]) -> None:
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            # Whole or not at all: another engine may start at the same time.
            fresh = self._file.with_suffix(".new")
            fresh.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
            fresh.replace(self._file)
        except OSError as error:
            LOG.warning("attention: %s cannot be written: %s", self._file, error)


def _ranking(kept: Any) -> Ranking:
    """Raises as Python does for what is none."""
    ranking = {Attention(name): float(seconds) for name, seconds in kept.items()}
    if Attention.AUTO in ranking:
        raise ValueError("auto is no kernel")
    return ranking
