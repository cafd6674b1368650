"""The loop that all stages of training share: steps, averaged weights, state on disk, progress.

All chance of step n comes from generators seeded with (seed, stage, n), so a run that was cut off
and goes on gives, under a budget of steps, the very weights of one that was not.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from tools.shapes.budgets import Budget, rate_at

#: Steps between two lines of progress, and seconds between two states on disk.
PROGRESS_STEPS = 100
STATE_SECONDS = 60.0
#: Weight of the past in the averaged weights, once enough of it has been seen.
AVERAGING = 0.998
GRADIENT_LIMIT = 1.0
BETAS = (0.9, 0.98)
#: Attention as plain products. torch's fused kernel for CPUs took 43 % of a step of the base in its
#: backward pass alone; without it a step took 0.57 s instead of 0.86 s on one thread.
ATTENTION = SDPBackend.MATH


@dataclass(frozen=True, kw_only=True, slots=True)
class Chance:
    """The random streams of one step. Drawn on the CPU, so that devices agree."""

    tensors: torch.Generator
    numbers: Random


class Stage(Protocol):
    """One thing to train. `modules` are the trained ones, by name; the rest is its own affair."""

    name: str
    learning_rate: float
    modules: dict[str, nn.Module]
    #: Factors of the learning rate, by the name of the module; 1 where there is none.
    rates: dict[str, float]

    def loss(self, step: int, chance: Chance) -> Tensor:
        """A scalar to be lowered, on fresh data."""
        ...


@dataclass(kw_only=True, slots=True)
class Trainer:
    """Trains one stage; `run` may be called again by another process with the same files."""

    stage: Stage
    budget: Budget
    state_file: Path
    seed: int
    report: Callable[[str], None] = print
    step: int = 0
    #: Averaged weights, by the name of module and parameter.
    averaged: dict[str, Tensor] = field(default_factory=dict)
    mean_loss: float = 0.0
    _optimiser: torch.optim.AdamW | None = None

    def run(self, *, until_step: int | None = None) -> None:
        """Train until the budget is used up (or `until_step`), then put the averaged weights in.

        A stage stopped by `until_step` keeps its raw weights and can go on.
        """
        self._prepare()
        saved_at = self.budget.spent()
        while self.budget.share(self.step) < 1 and self.step != until_step:
            self._take_step()
            if self.step % PROGRESS_STEPS == 0:
                self._tell()
            if self.budget.spent() - saved_at > STATE_SECONDS:
                self._save()
                saved_at = self.budget.spent()
        self._save()
        if self.budget.share(self.step) >= 1:
            self.use_averaged()

    def use_averaged(self) -> None:
        """Put the averaged weights into the modules."""
        with torch.no_grad():
            for name, parameter in self._parameters().items():
                parameter.copy_(self.averaged[name])

    def use_state(self) -> None:
        """Put the averaged weights of the state on disk into the modules, if there is any."""
        if self.restore():
            self.use_averaged()
            self.report(f"{self.stage.name}: as after step {self.step}")

    def restore(self) -> bool:
        """Read the state on disk, if there is any."""
        if not self.state_file.is_file():
            return False
        state = torch.load(self.state_file, map_location="cpu", weights_only=True)
        with torch.no_grad():
            for name, parameter in self._parameters().items():
                parameter.copy_(state["weights"][name])
                self.averaged[name] = state["averaged"][name].to(parameter.device)
        self.step, self.mean_loss = state["step"], state["mean_loss"]
        if self._optimiser is not None:
            self._optimiser.load_state_dict(state["optimiser"])
        self.budget.resume(state["spent"])
        return True

    def _prepare(self) -> None:
        parameters = self._parameters()
        groups: list[dict[str, Any]] = [
            {
                "params": [it for name, it in parameters.items() if name.startswith(f"{part}.")],
                "factor": self.stage.rates.get(part, 1.0),
            }
            for part in self.stage.modules
        ]
        self._optimiser = torch.optim.AdamW(
            groups, lr=self.stage.learning_rate, betas=BETAS, weight_decay=0.0
        )
        if self.restore():
            self.report(f"{self.stage.name}: goes on after step {self.step}")
        else:
            self.averaged = {name: it.detach().clone() for name, it in parameters.items()}
            self.budget.resume(0.0)
            millions = sum(it.numel() for it in parameters.values()) / 1e6
            self.report(f"{self.stage.name}: {millions:.3f} million parameters")

    def _take_step(self) -> None:
        assert self._optimiser is not None
        rate = self.stage.learning_rate * rate_at(self.budget.share(self.step))
        for group in self._optimiser.param_groups:
            group["lr"] = rate * group["factor"]
        self._optimiser.zero_grad(set_to_none=True)
        with sdpa_kernel(ATTENTION):
            loss = self.stage.loss(self.step, chance_of(self.seed, self.stage.name, self.step))
            torch.autograd.backward(loss)  # what `loss.backward()` calls, with types
        parameters = self._parameters()
        nn.utils.clip_grad_norm_(list(parameters.values()), GRADIENT_LIMIT)
        self._optimiser.step()
        self.step += 1
        weight = 1 - min(AVERAGING, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(
            list(self.averaged.values()), [it.detach() for it in parameters.values()], weight
        )
        recent = max(0.02, 1 / self.step)
        self.mean_loss += recent * (float(loss.detach()) - self.mean_loss)

    def _tell(self) -> None:
        spent, share = self.budget.spent(), self.budget.share(self.step)
        left = spent / share - spent if share > 0 else 0.0
        self.report(
            f"{self.stage.name}: step {self.step} ({share:.0%}), loss {self.mean_loss:.4f}, "
            f"{spent / self.step:.3f} s a step, {left / 60:.1f} min left"
        )

    def _save(self) -> None:
        assert self._optimiser is not None
        self.state_file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.state_file.with_suffix(".partial")
        weights = {name: it.detach() for name, it in self._parameters().items()}
        torch.save(
            {
                "weights": weights,
                "averaged": self.averaged,
                "optimiser": self._optimiser.state_dict(),
                "step": self.step,
                "mean_loss": self.mean_loss,
                "spent": self.budget.spent(),
            },
            partial,
        )
        partial.replace(self.state_file)

    def _parameters(self) -> dict[str, Any]:
        return {
            f"{part}.{name}": parameter
            for part, module in self.stage.modules.items()
            for name, parameter in module.named_parameters()
            if parameter.requires_grad
        }


def chance_of(seed: int, stage: str, step: int) -> Chance:
    """The streams of one step: the same on every machine."""
    number = zlib.crc32(f"{seed} {stage} {step}".encode())
    return Chance(tensors=torch.Generator().manual_seed(number), numbers=Random(number))  # noqa: S311
