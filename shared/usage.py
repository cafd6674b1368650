"""What one person has used of what they may: the document `users/{uid}/account/usage`.

Pure: `Usage.reserve` decides over the document as read and returns the fields to write, together
with the generation's, under the precondition that neither changed. Days are UTC's, by the server's
clock. Bounds: `Limits.concurrent` reservations and `KEPT_DAYS` days, so the document stays small.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from shared.charge import MAX_CREDITS, Charge
from shared.errors import ErrorCode, GenerationError
from shared.ports import DELETE, SERVER_TIME, Changes

#: Hundreds of pictures: nobody with a phone in hand gets there, and a stolen account does soon.
DAILY_CREDITS = 10_000
#: More than a screen of pictures.
CONCURRENT = 10
#: Reservations that fit well into a document.
MAX_CONCURRENT = 1000
#: Days of which `spent` tells, today's included.
KEPT_DAYS = 7
#: After a reservation it is looked for one that nobody settled: the longest film takes that long.
RECONCILE_AFTER = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one person may have."""

    #: Generations accepted and not ended, 1 … MAX_CONCURRENT.
    concurrent: int = CONCURRENT
    #: Credits of generations accepted in one day (UTC), 1 … MAX_CREDITS.
    daily_credits: int = DAILY_CREDITS

    def __post_init__(self) -> None:
        for name, most in (("concurrent", MAX_CONCURRENT), ("daily_credits", MAX_CREDITS)):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= most:
                raise ValueError(f"{name} is {value!r}; it must be a whole number, 1 to {most}")

    def to_document(self) -> dict[str, int]:
        return {"concurrent": self.concurrent, "daily_credits": self.daily_credits}

    def with_granted(self, granted: object) -> "Limits":
        """These, but for what an administrator has `granted` this person, as far as it is valid."""
        if not isinstance(granted, Mapping):
            return self
        own = {name: granted[name] for name in self.to_document() if name in granted}
        try:
            return Limits(**{**self.to_document(), **own})
        except ValueError:
            return self


class QuotaExceeded(GenerationError):
    """It would be more than `limit`, a field of `Limits`, allows; not tried again by the server."""

    def __init__(self, message: str, *, limit: str, **facts: Any) -> None:
        super().__init__(ErrorCode.QUOTA_EXCEEDED, message)
        self.facts = {"limit": limit, **facts}

    def to_document(self) -> dict[str, object]:
        """Beside the sentence, for the app: `quota`, with what is asked for, allowed and left."""
        return {**super().to_document(), "quota": self.facts}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """Write `usage` to the usage document and `charge` to the generation, or neither."""

    charge: Charge
    usage: Changes


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Lenient: a document that an administrator has changed is still read, as far as it goes."""

    #: Day → credits of its completed generations and of those in the making.
    spent: Mapping[str, int] = field(default_factory=dict)
    #: Day → credits of its generations that failed or were cancelled.
    refunded: Mapping[str, int] = field(default_factory=dict)
    #: Id of a generation in the making → its charge.
    reserved: Mapping[str, Charge] = field(default_factory=dict)
    #: What an administrator has granted, unparsed.
    granted: object = None
    reconcile_after: datetime | None = None

    @classmethod
    def from_document(cls, data: Mapping[str, Any]) -> "Usage":
        reserved, due = data.get("reserved"), data.get("reconcile_after")
        return cls(
            spent=_by_day(data.get("spent")),
            refunded=_by_day(data.get("refunded")),
            reserved={
                name: charge
                for name, raw in (reserved if isinstance(reserved, Mapping) else {}).items()
                if (charge := _reserved(raw)) is not None
            },
            granted=data.get("granted"),
            reconcile_after=due if isinstance(due, datetime) else None,
        )

    def reserve(
        self, generation_id: str, amount: int, *, server_now: datetime, limits: Limits
    ) -> Reservation:
        """Raises `QuotaExceeded` when `amount` (≥ 1 credits) is too much; `limits` are those of
        people to whom nothing else is granted."""
        limits = limits.with_granted(self.granted)
        # One of an earlier document of this id, whose deletion nobody heard of, is given back.
        cleared = self.without({generation_id})
        day = server_now.date().isoformat()
        spent = max(0, cleared.spent.get(day, 0))
        # Above a day's credits nothing is given back: what is cancelled has kept a GPU busy too.
        lost = max(0, self.refunded.get(day, 0) - limits.daily_credits)
        _check(amount, spent + lost, len(cleared.reserved), limits, renews_at=_next_day(server_now))
        charge = Charge(credits=amount, day=day)
        reserved = {**cleared.reserved, generation_id: charge}
        oldest = (server_now - timedelta(days=KEPT_DAYS - 1)).date().isoformat()
        changes = {
            "spent": {**_since(oldest, cleared.spent), day: spent + amount},
            "reserved": _document(reserved),
            "limits": limits.to_document(),
            "renews_at": _next_day(server_now),
            "updated_at": SERVER_TIME,
        }
        if self.refunded:
            changes["refunded"] = _since(oldest, self.refunded)
        if self.reconcile_after is None:
            changes["reconcile_after"] = server_now + RECONCILE_AFTER
        return Reservation(charge=charge, usage=changes)

    def without(self, ids: set[str]) -> "Usage":
        """As it is when the reservations of `ids` are given back."""
        spent = dict(self.spent)
        for name in ids & set(self.reserved):
            charge = self.reserved[name]
            spent[charge.day] = spent.get(charge.day, 0) - charge.credits
        reserved = {name: charge for name, charge in self.reserved.items() if name not in ids}
        return replace(self, spent=spent, reserved=reserved)

    def reconciled(self, gone: set[str], settled: set[str], *, server_now: datetime) -> Changes:
        """The fields to write when the generations `gone` are no more, so that theirs is given
        back, and those `settled` hold nothing any more, whatever became of their credits."""
        kept = self.without(gone)
        reserved = {name: it for name, it in kept.reserved.items() if name not in settled}
        return {
            "spent": dict(kept.spent),
            "reserved": _document(reserved),
            "reconcile_after": server_now + RECONCILE_AFTER if reserved else DELETE,
        }


def _by_day(raw: object) -> dict[str, int]:
    """Credits, as far as they are whole numbers."""
    given = raw if isinstance(raw, Mapping) else {}
    return {day: amount for day, amount in given.items() if type(amount) is int}


def _since(oldest: str, credits_: Mapping[str, int]) -> dict[str, int]:
    return {day: amount for day, amount in credits_.items() if day >= oldest}


def _reserved(raw: object) -> Charge | None:
    return Charge.from_document({**raw, "state": "reserved"}) if isinstance(raw, Mapping) else None


def _document(reserved: Mapping[str, Charge]) -> dict[str, dict[str, Any]]:
    return {name: {"credits": it.credits, "day": it.day} for name, it in reserved.items()}


def _next_day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _check(amount: int, spent: int, running: int, limits: Limits, *, renews_at: datetime) -> None:
    credits_left = max(0, limits.daily_credits - spent)
    if amount > limits.daily_credits:
        raise QuotaExceeded(
            f"This takes {amount} credits, and a whole day has {limits.daily_credits}: ask for "
            "fewer pictures, pixels, frames or steps.",
            limit="daily_credits",
            allowed=limits.daily_credits,
            left=credits_left,
            needed=amount,
            renews_at=renews_at,
        )
    if running >= limits.concurrent:
        raise QuotaExceeded(
            f"{running} of your generations are in the making, and {limits.concurrent} is the most "
            "at once: ask again when one of them has ended.",
            limit="concurrent",
            allowed=limits.concurrent,
            left=0,
            needed=1,
        )
    if amount > credits_left:
        raise QuotaExceeded(
            f"This takes {amount} credits, and {credits_left} of today's {limits.daily_credits} "
            f"are left; there are new ones from {renews_at:%Y-%m-%d %H:%M} UTC on.",
            limit="daily_credits",
            allowed=limits.daily_credits,
            left=credits_left,
            needed=amount,
            renews_at=renews_at,
        )
