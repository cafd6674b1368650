"""Use case: brings home whatever nobody works on although somebody should.

One bounded query a kind (`Overdue`), a page at a time, and each document by itself: one that cannot
be settled is logged and stepped over, and a service that is away ends its kind until the next run.
No document is begun after RUN_SECONDS, of which each kind has its share. Any number of sweeps may
run at once.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from shared.admission import DEFAULT_ADMISSION, Admission
from shared.clock import Clock
from shared.json_log import facts_of
from shared.paths import GenerationPath
from shared.ports import (
    DocumentStore,
    Found,
    GenerationSearch,
    MessagePublisher,
    Overdue,
    Unavailable,
)
from shared.serverless import Misconfigured, ServerlessJobs
from shared.status import Status
from shared.sweeping import PATIENCE, Patience
from shared.usage import Limits
from trigger.enqueue import Outcome, enqueue
from trigger.settling import Settled, settle
from trigger.withdraw import withdraw

#: Documents a query; each costs a read here and another when it is settled.
PAGE_DOCUMENTS = 100
#: A run a minute, so one that is not done by then leaves the rest to the next one.
RUN_SECONDS = 40.0

#: Outcomes that are not worth a word: nothing was done.
SILENT = frozenset({Settled.LET_BE.value, Outcome.ALREADY_DONE.value, Outcome.GONE.value})

LOG = logging.getLogger("trigger")


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    """What one run did."""

    #: Documents by outcome, without those that were let be.
    counts: Counter[str] = field(default_factory=Counter)
    #: Documents that could not be settled and kinds that could not be looked for.
    faults: list[str] = field(default_factory=list)


def sweep(
    *,
    documents: DocumentStore,
    search: GenerationSearch,
    publisher: MessagePublisher,
    clock: Clock,
    patience: Patience = PATIENCE,
    admission: Admission = DEFAULT_ADMISSION,
    limits: Limits | None = None,
    jobs: ServerlessJobs | None = None,
    notify: bool = False,
) -> Swept:
    """Never raises for what one document or one kind of them brings about. Without `limits` there
    are no quotas; without `jobs` no generation was handed to one. `notify` is `enqueue`'s.

    The clock's wall time only chooses where to look: a wrong one finds documents too early, which
    the server's time then lets be, or too late.
    """
    swept = Swept()
    now, began = clock.now(), clock.monotonic()
    handlers = dict(_handlers(documents, publisher, patience, admission, limits, notify=notify))
    if jobs is not None:
        cancel_job = partial(withdraw, documents=documents, jobs=jobs)
        handlers[Overdue.CANCELLED] = _after(cancel_job, handlers[Overdue.CANCELLED], swept)
    for number, what in enumerate(Overdue, 1):
        before = now - patience.with_(what)
        # A kind that fails again and again must not keep the others from being looked for.
        deadline = began + RUN_SECONDS * number / len(Overdue)
        try:
            for path in _paths(search, what, before):
                if clock.monotonic() >= deadline:
                    break
                _handle(path, handlers[what], swept)
        except Exception as error:  # noqa: BLE001 (logged; the other kinds are looked for)
            _log_fault(swept, what.value, error)
    return swept


Handler = Callable[[str], str]


def _handlers(
    documents: DocumentStore,
    publisher: MessagePublisher,
    patience: Patience,
    admission: Admission,
    limits: Limits | None,
    *,
    notify: bool,
) -> Mapping[Overdue, Handler]:
    # Its event was lost, or what handled it failed: the same again.
    accept: Handler = partial(
        enqueue,
        created={"status": Status.PENDING.value},
        documents=documents,
        publisher=publisher,
        admission=admission,
        limits=limits,
        notify=notify,
    )
    settle_: Handler = partial(
        settle, documents=documents, publisher=publisher, patience=patience, admission=admission
    )
    return {what: accept if what is Overdue.PENDING else settle_ for what in Overdue}


def _after(cancel_job: Callable[[str], object], handler: Handler, swept: Swept) -> Handler:
    """`handler`, after the generation's job was cancelled, or could not be: whoever gets such a job
    finds the generation cancelled. A service that is away is asked once a run."""
    is_away = False

    def handle(path: str) -> str:
        nonlocal is_away
        try:
            if not is_away:
                cancel_job(path)
        except Exception as error:  # noqa: BLE001 (logged; the generation has no part in it)
            is_away = isinstance(error, Unavailable | Misconfigured)
            _log_fault(swept, path, error)
        return handler(path)

    return handle


def _paths(search: GenerationSearch, what: Overdue, before: datetime) -> Iterator[str]:
    """All that a kind's query finds; those that stay overdue are passed by, not asked for again."""
    after: Found | None = None
    while True:
        page = search.overdue(what, before=before, limit=PAGE_DOCUMENTS, after=after)
        # Another collection of an app's may have the same name: not ours to touch.
        yield from (found.path for found in page if GenerationPath.has_form(found.path))
        if len(page) < PAGE_DOCUMENTS:
            return
        after = page[-1]


def _handle(path: str, handler: Handler, swept: Swept) -> None:
    try:
        outcome = handler(path)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 (logged; the next document has no part in it)
        _log_fault(swept, path, error)
        return
    if outcome not in SILENT:
        swept.counts[outcome] += 1
        LOG.info("swept", extra={"fields": {"generation": path, "outcome": outcome}})


def _log_fault(swept: Swept, where: str, error: Exception) -> None:
    LOG.error("cannot sweep", extra={"fields": {"of": where, **facts_of(error)}})
    swept.faults.append(where)
