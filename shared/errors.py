"""Why a generation fails: stable codes for programs, a sentence for people, and whether to retry.

The code is part of the public contract (`error.code` of the document) and never changes meaning.
"""

from collections.abc import Mapping
from enum import StrEnum


class ErrorCode(StrEnum):
    #: The request breaks the contract; the message names field, value and what is allowed.
    INVALID_INPUT = "invalid_input"
    #: The prompt, or what came of it, is not allowed in this deployment.
    CONTENT_REJECTED = "content_rejected"
    #: It would be more than its owner may have at once or in a day.
    QUOTA_EXCEEDED = "quota_exceeded"
    #: No worker of this deployment serves the task or model asked for.
    UNSUPPORTED_TASK = "unsupported_task"
    #: An image or mask that the request refers to cannot be had: it is gone, or its host is.
    INPUT_UNAVAILABLE = "input_unavailable"
    #: The picture or film does not fit into the GPU's memory.
    OUT_OF_MEMORY = "out_of_memory"
    #: The engine process died while it ran this generation.
    ENGINE_CRASHED = "engine_crashed"
    #: The worker's lease lapsed: it was killed, cut off or stuck.
    WORKER_LOST = "worker_lost"
    #: The generation ran longer than its task is allowed to. Another try would take as long.
    TIMED_OUT = "timed_out"
    #: Firestore, Pub/Sub or Storage did not answer for longer than our retries last.
    SERVICE_UNAVAILABLE = "service_unavailable"
    #: Every attempt failed; the message carries the reason of the last one.
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    #: A fault of ours. The log has the details under the generation's path.
    INTERNAL = "internal"


#: Codes after which the same request may succeed on another attempt.
RETRYABLE = frozenset(
    {
        ErrorCode.ENGINE_CRASHED,
        ErrorCode.WORKER_LOST,
        ErrorCode.SERVICE_UNAVAILABLE,
        ErrorCode.INTERNAL,
    }
)


class GenerationError(Exception):
    """A generation cannot go on. `message` is shown to the person with the phone."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(f"{code.value}: {message}")
        self.code = code
        self.message = message

    @property
    def retryable(self) -> bool:
        """True when another attempt with the same request may succeed."""
        return self.code in RETRYABLE

    def to_document(self) -> dict[str, object]:
        """The document's `error` field: `{code, message, retryable}`."""
        return {"code": self.code.value, "message": self.message, "retryable": self.retryable}


class InvalidInput(GenerationError):
    """The request or the document breaks the contract; never retried."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.INVALID_INPUT, message)


class WrongSetting(ValueError):
    """What an operator set cannot be used. The text has variable, value and what is allowed, and
    goes into the log as it is, so no variable that holds a secret may raise it."""


def worker_lost() -> GenerationError:
    """The error of an attempt that nobody ended."""
    return GenerationError(ErrorCode.WORKER_LOST, "The worker stopped without giving a reason.")


def attempts_exhausted(attempts: int, last_error: Mapping[str, object] | None) -> GenerationError:
    """The error of a generation that failed `attempts` (≥ 1) times, with the last reason known."""
    reason = str((last_error or {}).get("message") or worker_lost().message)
    return GenerationError(
        ErrorCode.ATTEMPTS_EXHAUSTED,
        f"The generation was tried {attempts} times and failed each time. Last reason: {reason}",
    )
