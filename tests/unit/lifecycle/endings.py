"""How an attempt may end, and what its worker writes then."""

from gpu_worker.lifecycle.leased_document import LeasedDocument
from shared.errors import ErrorCode, GenerationError
from shared.ports import Changes

ENDINGS = ("completed", "failed", "cancelled", "retried", "given back")


def changes_of(ending: str, leased: LeasedDocument) -> Changes:
    """What `leased.end` writes for one of ENDINGS."""
    generation = leased.generation
    crashed = GenerationError(ErrorCode.ENGINE_CRASHED, "The engine stopped.")
    match ending:
        case "completed":
            return generation.to_completed({"token": leased.lease.token}, {}, {})
        case "failed":
            return generation.to_failed(crashed)
        case "cancelled":
            return generation.to_cancelled()
        case "retried":
            return generation.to_retry(crashed)
    return generation.to_retry(None)
