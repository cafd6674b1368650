"""That a generation has ended and its owner's devices do not know yet: `users/{uid}/notices/{id}`.

Written in the very commit that ends the generation, so there is one for each end that is news and
none without; removed when nobody is left to tell. Who tells takes the notice first, for
CLAIM_SECONDS, by compare-and-set; who dies meanwhile leaves it to the sweep. After NEWS_SECONDS it
is no news any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.paths import GenerationPath
from shared.ports import SERVER_TIME, Adjustment, Changes
from shared.status import Status

#: How long a notice has its teller: more than a function's 60 s, after which it is ended.
CLAIM_SECONDS = 90
#: From the end on; also how long FCM keeps a message for a device that is off.
NEWS_SECONDS = 24 * 3600
#: Between two tries with a service that is away: as long as it has been waited already, but so long
#: at least and at most.
MIN_WAIT_SECONDS = 60
MAX_WAIT_SECONDS = 1800

#: The field that the sweep looks for notices by.
AGAIN_AFTER = "again_after"


def is_news(status: object) -> bool:
    """Whether the end `status` is told to devices: who cancels knows."""
    return status in (Status.COMPLETED, Status.FAILED)


def notice_of(path: GenerationPath) -> Adjustment:
    """Notes that the generation at `path` ends now. Never conflicts, also where an earlier
    generation of the same id has left its notice."""
    moments = {"at": SERVER_TIME, AGAIN_AFTER: SERVER_TIME}
    return Adjustment(path=path.notice, add={}, remove=(("told",),), put=moments)


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """One as it was read; times are the server's."""

    at: datetime
    #: Nobody but its teller touches it before.
    again_after: datetime
    #: Names of the devices that know.
    told: frozenset[str]

    @classmethod
    def from_document(cls, data: Mapping[str, Any]) -> "Notice":
        """Lenient: what only an admin's slip can have spoilt counts as long over."""
        at, again, told = data.get("at"), data.get(AGAIN_AFTER), data.get("told")
        long_ago = datetime.min.replace(tzinfo=UTC)
        at = at if isinstance(at, datetime) else long_ago
        names = told if isinstance(told, list) else []
        return cls(
            at=at,
            again_after=again if isinstance(again, datetime) else at,
            told=frozenset(name for name in names if isinstance(name, str)),
        )

    def held(self, server_now: datetime) -> bool:
        """Whether somebody tells it just now, or has found FCM away a moment ago."""
        return self.again_after > server_now

    def seconds_left(self, server_now: datetime) -> int:
        """For so long it is news; 0 or less: no more."""
        return NEWS_SECONDS - int((server_now - self.at).total_seconds())

    def claimed(self, server_now: datetime) -> Changes:
        return {AGAIN_AFTER: server_now + timedelta(seconds=CLAIM_SECONDS)}

    def postponed(self, server_now: datetime, told: Sequence[str]) -> Changes:
        """`told` know it now; the others are tried again later."""
        waited = (server_now - self.at).total_seconds()
        wait = min(max(waited, MIN_WAIT_SECONDS), MAX_WAIT_SECONDS)
        return {
            AGAIN_AFTER: server_now + timedelta(seconds=wait),
            "told": sorted(self.told | set(told)),
        }
