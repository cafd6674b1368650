"""What an intake hands its messages' generations to, and what it does with a message after that."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from shared.paths import GenerationPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """The message has done its duty: acknowledge it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Later:
    """Deliver the message again after `seconds` (≥ 0)."""

    seconds: float


Handled: TypeAlias = Done | Later


class Handler(Protocol):
    """What an intake needs of a `GenerationRunner`."""

    def handle(self, path: GenerationPath) -> Handled:
        """Do what the document at `path` wants done. Never raises for a fault of one job."""
        ...
