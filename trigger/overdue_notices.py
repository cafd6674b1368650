"""Use case: tells what no event told: its event was lost, its teller died, or FCM was away.

One query a run, of which nothing is begun after RUN_SECONDS. One notice that cannot be told is
logged and stepped over; a database that is away ends the run.
"""

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from shared.clock import Clock
from shared.json_log import facts_of
from shared.notifying import NoticeStore
from shared.paths import GenerationPath
from shared.ports import Unavailable
from trigger.notify import Notifier, Outcome

#: What an event takes to come, and to come again.
PATIENCE = timedelta(seconds=30)
PAGE_NOTICES = 100
#: A run of the sweep's has 180 s for all that it does.
RUN_SECONDS = 15.0
#: Nothing was done.
SILENT = frozenset({Outcome.HELD, Outcome.ALREADY_DONE})

LOG = logging.getLogger("trigger")


@dataclass(frozen=True, kw_only=True, slots=True)
class Telling:
    """What one run did."""

    #: Notices by outcome.
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def tell_overdue(notifier: Notifier, notices: NoticeStore, clock: Clock) -> Telling:
    """Never raises for what one notice brings about; `Unavailable` when none can be looked for."""
    run = Telling()
    deadline = clock.monotonic() + RUN_SECONDS
    for found in notices.overdue(before=clock.now() - PATIENCE, limit=PAGE_NOTICES):
        path = GenerationPath.of_notice(found)
        # Another collection of an app's may have the same name: not ours to touch.
        if path is None:
            continue
        if clock.monotonic() >= deadline:
            break
        try:
            outcome = notifier.notify(path).outcome
        except Exception as error:  # noqa: BLE001 (logged; the next notice has no part in it)
            LOG.error("cannot notify", extra={"fields": {"of": found, **facts_of(error)}})  # noqa: TRY400
            run.faults.append(found)
            if isinstance(error, Unavailable):
                break
            continue
        if outcome not in SILENT:
            run.counts[outcome.value] += 1
    return run
