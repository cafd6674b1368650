"""What an intake does with its message after `GenerationRunner.handle`."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """The message has done its duty: acknowledge it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Later:
    """Deliver the message again after `seconds` (≥ 0)."""

    seconds: float


Handled: TypeAlias = Done | Later
