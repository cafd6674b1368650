"""What is known of an engine's models: not yet loaded, ready, or why they cannot be.

A model that was ready once and cannot be loaded again is a loss, which whoever watches is told of.
Not thread-safe: `EngineProcess` guards it with its own condition.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gpu_worker.ports import EngineInfo, EngineUnavailable
from shared.errors import ErrorCode, GenerationError


def _nobody_watches(_: EngineUnavailable) -> None:
    """The listener until there is one: who runs a job hears of a loss from it."""


@dataclass(kw_only=True, slots=True)
class EngineLoad:
    #: Of the models that are ready now.
    info: EngineInfo | None = None
    #: Why the last try did not succeed.
    error: GenerationError | None = None
    _succeeded_once: bool = False
    _on_loss: Callable[[EngineUnavailable], None] = _nobody_watches

    @property
    def over(self) -> bool:
        """True when it has succeeded or failed."""
        return self.info is not None or self.error is not None

    def succeed(self, info: EngineInfo) -> None:
        self.info, self._succeeded_once = info, True

    def fail(self, error: GenerationError) -> None:
        self.error = error
        if self._succeeded_once:
            self._on_loss(EngineUnavailable(error.message))

    def lose(self) -> bool:
        """The process is gone; whether its models were ready."""
        was_ready, self.info = self.info is not None, None
        return was_ready

    def watch(self, on_loss: Callable[[EngineUnavailable], None]) -> None:
        """See `Engine.watch`."""
        self._on_loss = on_loss
        if self.error is not None:
            self.fail(self.error)

    def require(self, otherwise: str) -> EngineInfo:
        """Raises what went wrong, or `otherwise` where nothing is known yet."""
        if self.info is None:
            raise self.error or GenerationError(ErrorCode.INTERNAL, otherwise)
        return self.info
