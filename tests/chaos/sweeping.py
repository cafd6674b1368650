"""The sweep over one project as Cloud Scheduler has it done, with its patience shortened."""

from contextlib import suppress

from shared.clock import SystemClock
from shared.ports import Unavailable
from shared.sweeping import Patience
from tests.chaos.project import LIMITS, Project
from trigger.adapters.firestore_search import FirestoreSearch
from trigger.adapters.storage import StorageListing
from trigger.collect import collect
from trigger.sweep import Swept, sweep

#: Minutes in production; a scenario has seconds.
IMPATIENT = Patience(pending=2.0, queued=4.0, lapsed=1.0, max_queued=10.0)
#: Runs that one pass may take; a scenario needs a few.
MAX_RUNS = 10


def sweep_documents(project: Project) -> Swept:
    """One run: what nobody works on is published again, or ended."""
    return sweep(
        documents=project.documents,
        search=FirestoreSearch(project.database),
        publisher=project.publisher,
        clock=SystemClock(),
        patience=IMPATIENT,
        limits=LIMITS,
    )


def collect_files(project: Project) -> None:
    """One whole pass over the bucket, however young the files are. Raises `Unavailable`."""
    for _ in range(MAX_RUNS):
        # A service that is away: the next run goes on where this one stopped.
        with suppress(Unavailable):
            done = collect(
                documents=project.documents,
                search=FirestoreSearch(project.database),
                files=StorageListing(project.objects, project.bucket.name),
                clock=SystemClock(),
                grace_seconds=0.0,
                pass_seconds=0.0,
            )
            if done.finished:
                return
    raise Unavailable(f"the collection did not reach its end in {MAX_RUNS} runs")
