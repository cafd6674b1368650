"""What a generation has cost its owner so far: the `charge` of its document.

Reserved in the commit that accepts the generation, settled in the commit that ends it: kept if it
completed, else given back. So the two documents, generation and usage, cannot differ, and nothing
is settled twice: a commit that has lost its race changes neither.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from shared.paths import GenerationPath
from shared.ports import Adjustment, FieldPath
from shared.status import Status

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
#: No limit is higher; above it an admin's slip would overflow Firestore's integers.
MAX_CREDITS = 10**9


class ChargeState(StrEnum):
    #: Accepted and not ended: it counts among those in the making.
    RESERVED = "reserved"
    #: It completed.
    SPENT = "spent"
    #: It failed or was cancelled: it cost nothing.
    REFUNDED = "refunded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Charge:
    #: 1 … MAX_CREDITS.
    credits: int
    #: The day that it counts for, `YYYY-MM-DD` in UTC: that of its acceptance, whenever it ends.
    day: str
    state: ChargeState = ChargeState.RESERVED

    @classmethod
    def from_document(cls, raw: object) -> "Charge | None":
        """None when there is none, or none that the server wrote."""
        if not isinstance(raw, Mapping):
            return None
        amount, day, state = raw.get("credits"), raw.get("day"), raw.get("state")
        if type(amount) is not int or not 0 < amount <= MAX_CREDITS:
            return None
        if not isinstance(day, str) or not _DAY.fullmatch(day) or state not in list(ChargeState):
            return None
        return cls(credits=amount, day=day, state=ChargeState(state))

    def to_document(self) -> dict[str, Any]:
        return {"credits": self.credits, "day": self.day, "state": self.state.value}

    @property
    def held(self) -> bool:
        return self.state is ChargeState.RESERVED

    def settled(self, end: Status) -> "Charge":
        """As it is when its generation has the terminal status `end`."""
        kept = end is Status.COMPLETED
        return replace(self, state=ChargeState.SPENT if kept else ChargeState.REFUNDED)

    def settlement(self, path: GenerationPath) -> Adjustment:
        """What a charge that is settled now changes in the usage of the owner of `path`.

        Whatever else happens to the usage at the same time: additions and removals do not conflict,
        so a worker never has to try the last write of a generation again because of it.
        """
        refund: dict[FieldPath, int] = {
            ("spent", self.day): -self.credits,
            ("refunded", self.day): self.credits,
        }
        return Adjustment(
            path=path.usage,
            remove=(("reserved", path.generation_id),),
            add=refund if self.state is ChargeState.REFUNDED else {},
        )
