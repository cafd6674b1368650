"""Use case: a generation has ended; its owner's devices are told once, and stale tokens forgotten.

The notice is taken by compare-and-set before anything is sent, so that of any number of events and
sweeps at the same time one tells. Whom FCM could not be reached for is told later. Bounds:
MAX_DEVICES messages, none begun after SEND_SECONDS.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.clock import Clock
from shared.json_log import facts_of
from shared.notice import Notice
from shared.notifying import Device, NoticeStore, Notification, PushService, StaleToken
from shared.paths import GenerationPath
from shared.ports import (
    Conflict,
    DocumentStore,
    GenerationSearch,
    Missing,
    Rejected,
    Snapshot,
    Unavailable,
)
from shared.serverless import Misconfigured
from trigger.news import FIELDS, news_of
from trigger.notification_settings import Wording

#: Those that were heard of last; the rules cannot count, so a person may have noted any number.
MAX_DEVICES = 10
#: As many again are looked at, and forgotten: what is not told would lie there for ever.
LOOK_DEVICES = 2 * MAX_DEVICES
#: Of all messages of a notice; with the calls around them it ends before a function's 60 s.
SEND_SECONDS = 20.0
#: Of one of them, so that one device leaves time for the others.
ONE_SECONDS = 8.0

LOG = logging.getLogger("trigger")


class Outcome(StrEnum):
    """What became of a notice; for the log."""

    #: Everybody who can be told was.
    TOLD = "told"
    #: Some are still to be told; the sweep does it.
    POSTPONED = "postponed"
    NO_DEVICES = "no_devices"
    #: The generation was deleted, or is another one by now.
    NO_NEWS = "no_news"
    #: For a day nobody could be told.
    TOO_OLD = "too_old"
    #: Somebody else tells it just now, or will.
    HELD = "held"
    ALREADY_DONE = "already_done"


@dataclass(frozen=True, kw_only=True, slots=True)
class Notified:
    outcome: Outcome
    #: Devices that were told, whose tokens were stale, that FCM does not serve, that wait.
    told: int = 0
    stale: int = 0
    refused: int = 0
    waiting: int = 0


@dataclass(slots=True)
class _Sent:
    """Devices by what became of their messages."""

    told: list[Device] = field(default_factory=list[Device])
    stale: list[Device] = field(default_factory=list[Device])
    refused: list[Device] = field(default_factory=list[Device])
    waiting: list[Device] = field(default_factory=list[Device])
    misconfigured: Misconfigured | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Notifier:
    documents: DocumentStore
    search: GenerationSearch
    notices: NoticeStore
    push: PushService
    clock: Clock
    wording: Wording

    def notify(self, path: GenerationPath) -> Notified:
        """Tell of the generation at `path`, if there is a notice that nobody has.

        Raises `Unavailable` when the database failed; and `Misconfigured`, after everything else
        was done, when an operator has to mend something. The sweep goes on in both cases.
        """
        found = self.documents.read(path.notice)
        if found is None:
            return Notified(outcome=Outcome.ALREADY_DONE)
        notice = Notice.from_document(found.data)
        if notice.held(found.read_time):
            return Notified(outcome=Outcome.HELD)
        seconds = notice.seconds_left(found.read_time)
        if seconds <= 0:
            return self._put_away(path, found, Outcome.TOO_OLD)
        known = self.notices.devices(path.uid, limit=LOOK_DEVICES)
        if not known:
            return self._put_away(path, found, Outcome.NO_DEVICES)
        # Not the whole document, of which its owner wrote the most.
        generation = self.search.states([str(path)], FIELDS).get(str(path), {})
        news = news_of(path, generation, notice, seconds=seconds, wording=self.wording)
        if news is None:
            return self._put_away(path, found, Outcome.NO_NEWS)
        return self._tell(path, found, notice, known, news)

    def _put_away(self, path: GenerationPath, found: Snapshot, outcome: Outcome) -> Notified:
        is_last = self.notices.remove(path.notice, expected=found.version)
        return Notified(outcome=outcome if is_last else Outcome.HELD)

    def _tell(
        self,
        path: GenerationPath,
        found: Snapshot,
        notice: Notice,
        known: Sequence[Device],
        news: Notification,
    ) -> Notified:
        began = self.clock.monotonic()
        claim = notice.claimed(found.read_time)
        try:
            claimed = self.documents.update(path.notice, claim, expected=found.version)
        except (Conflict, Missing):
            return Notified(outcome=Outcome.HELD)
        wanted, surplus = _wanted(known)
        sent = self._send(
            [device for device in wanted if device.name not in notice.told],
            news,
            deadline=began + SEND_SECONDS,
        )
        # First of all: what fails from here on must not have them told again.
        self._settle(path, notice, sent, version=claimed.version, server_now=claimed.commit_time)
        for device in (*sent.stale, *surplus):
            # Unless the app has noted a new token there meanwhile.
            self.notices.remove(device.path, expected=device.version)
        if sent.misconfigured is not None:
            raise sent.misconfigured
        return Notified(
            outcome=Outcome.POSTPONED if sent.waiting else Outcome.TOLD,
            told=len(sent.told),
            stale=len(sent.stale),
            refused=len(sent.refused),
            waiting=len(sent.waiting),
        )

    def _send(self, devices: Sequence[Device], news: Notification, *, deadline: float) -> _Sent:
        sent = _Sent()
        for device in devices:
            left = deadline - self.clock.monotonic()
            if left <= 0:
                sent.waiting.append(device)
                continue
            try:
                self.push.send(device.token, news, within=min(left, ONE_SECONDS))
            except StaleToken:
                sent.stale.append(device)
            except Rejected as error:
                fields = {"device": device.path, **_why(error)}
                LOG.error("cannot notify", extra={"fields": fields})  # noqa: TRY400
                sent.refused.append(device)
            except Unavailable as error:
                fields = {"device": device.path, **_why(error)}
                LOG.warning("notified later", extra={"fields": fields})
                sent.waiting.append(device)
            except Misconfigured as error:
                sent.misconfigured = error
                sent.waiting.append(device)
            else:
                sent.told.append(device)
        return sent

    def _settle(
        self,
        path: GenerationPath,
        notice: Notice,
        sent: _Sent,
        *,
        version: object,
        server_now: datetime,
    ) -> None:
        if not sent.waiting:
            # Another version is the notice of a later generation of this id: the sweep's.
            self.notices.remove(path.notice, expected=version)
            return
        done = [device.name for device in (*sent.told, *sent.stale, *sent.refused)]
        try:
            self.documents.update(path.notice, notice.postponed(server_now, done), expected=version)
        except (Conflict, Missing):
            return


def _wanted(known: Sequence[Device]) -> tuple[list[Device], list[Device]]:
    """Who is told, and what is left of devices under other names and of too many."""
    newest: dict[str, Device] = {}
    for device in known:
        newest.setdefault(device.token, device)
    wanted = list(newest.values())[:MAX_DEVICES]
    return wanted, [device for device in known if device not in wanted]


def _why(error: Rejected | Unavailable) -> dict[str, str]:
    # Their texts are the adapter's own, which hold no token.
    return {**facts_of(error), "reason": str(error)}
