"""Whatever is lost, a generation that is handed to jobs comes to its end, one job at a time.

As `test_any_loss`, but a message starts a job, and a worker is what a job gets, sooner or later.
"""

from hypothesis import settings
from hypothesis.stateful import invariant, precondition, rule
from hypothesis.strategies import integers

from gpu_worker.lifecycle.leased_document import LeasedDocument
from shared.in_memory_jobs import InMemoryJobs
from shared.paths import IMAGE_TOPIC
from shared.serverless import JobLimits
from tests.unit.lifecycle.stores import PATH
from tests.unit.trigger.losses import AnyLoss
from trigger.dispatch import Dispatcher
from trigger.endpoints import Endpoint
from trigger.sweep import sweep

ENDPOINT = Endpoint(
    endpoint_id="pictures", limits=JobLimits(execution_seconds=600, ttl_seconds=3600)
)


class DispatchedAnyLoss(AnyLoss):
    def __init__(self) -> None:
        super().__init__()
        self.jobs = InMemoryJobs(ENDPOINT.endpoint_id)
        self.dispatcher = Dispatcher(
            documents=self.documents, jobs=self.jobs, endpoints={IMAGE_TOPIC: ENDPOINT}
        )
        #: Which job's worker holds, or believes to hold, the document.
        self.working: dict[str, LeasedDocument] = {}

    @property
    def without_worker(self) -> list[str]:
        return [job_id for job_id in self.jobs.waiting if job_id not in self.working]

    @precondition(lambda self: self.publisher.waiting)
    @rule()
    def a_message_comes(self) -> None:
        self.publisher.waiting.popleft()
        self.dispatcher.dispatch(PATH)

    @precondition(lambda self: self.without_worker)
    @rule()
    def a_job_gets_a_worker(self) -> None:
        job_id = self.without_worker[0]
        taken = self.try_to_take(f"worker-of-{job_id}")
        if isinstance(taken, LeasedDocument):
            self.working[job_id] = taken
        else:
            self.jobs.end(job_id)

    @precondition(lambda self: self.jobs.waiting)
    @rule(which=integers(0, 99))
    def the_service_gives_a_job_up(self, which: int) -> None:
        job_id = self.jobs.waiting[which % len(self.jobs.waiting)]
        holder = self.working.pop(job_id, None)
        if holder in self.holders:
            self.holders.remove(holder)
        self.jobs.end(job_id)

    @rule()
    def the_sweep_runs(self) -> None:
        swept = sweep(
            documents=self.documents,
            search=self.documents,
            publisher=self.publisher,
            clock=self.clock,
            jobs=self.jobs,
        )
        assert swept.faults == []

    @invariant()
    def a_job_ends_with_its_worker_s_attempt(self) -> None:
        for job_id, holder in list(self.working.items()):
            if holder not in self.holders:
                del self.working[job_id]
                self.jobs.end(job_id)

    @invariant()
    def at_most_one_job_is_alive_and_the_document_says_which(self) -> None:
        snapshot = self.documents.read(str(PATH))
        assert snapshot is not None
        named = snapshot.data.get("dispatch", {}).get("job_id")
        assert self.jobs.waiting in ([], [named])

    def teardown(self) -> None:
        """All workers die with their jobs; then every job gets one that works."""
        for job_id in self.jobs.waiting:
            self.jobs.end(job_id)
        self.working.clear()
        super().teardown()

    def every_message_comes(self) -> None:
        super().every_message_comes()
        while self.without_worker:
            self.a_job_gets_a_worker()


TestDispatchedAnyLoss = DispatchedAnyLoss.TestCase
TestDispatchedAnyLoss.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
