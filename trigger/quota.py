"""Whether an accepted generation is within its owner's quota: a decision over the usage as read.

Generation and usage are written in one commit, each under the version that was read. So an event
that comes twice reserves once, and of any number of events at the same time only so many are
accepted as the limits allow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.ports import Beside, Changes, Creation, Snapshot, Update
from shared.usage import Limits, QuotaExceeded, Usage
from trigger.acceptance import Accept


@dataclass(frozen=True, kw_only=True, slots=True)
class OverQuota:
    """Write `changes`: the generation fails, with what is left and when there is more."""

    changes: Changes
    beside: Sequence[Beside] = ()


def within_quota(
    accept: Accept, usage: Snapshot | None, *, generation: Snapshot, limits: Limits
) -> Accept | OverQuota:
    """`accept` with the reservation beside it. `usage` is its owner's document, None if there is
    none yet; `generation` the document that was accepted, of which only the times count."""
    known = Usage.from_document(usage.data) if usage else Usage()
    accepted = accept.generation
    try:
        reservation = known.reserve(
            accepted.path.generation_id,
            accept.credits,
            server_now=generation.read_time,
            limits=limits,
        )
    except QuotaExceeded as error:
        failed = accepted.to_failed(error)
        return OverQuota(changes=failed, beside=accepted.noted(failed))
    path, changes = accepted.path.usage, reservation.usage
    return replace(
        accept,
        changes=accepted.to_queued(accept.kind, reservation.charge),
        beside=(
            Update(path=path, changes=changes, expected=usage.version)
            if usage
            else Creation(path=path, data=changes),
        ),
    )
