"""Where one scenario plays: a project of its own, its workers, a listener; and the judgement.

`settle` brings everything to rest in the order in which a deployment would, with real waits only
for what Pub/Sub measures in time: its ack deadlines.
"""

import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil
from google.api_core.exceptions import GoogleAPICallError, RetryError

from shared.errors import ErrorCode
from shared.paths import GenerationPath
from shared.ports import Missing, Unavailable
from shared.status import Status
from tests.chaos.emulators import Cloud
from tests.chaos.evidence import Evidence, State
from tests.chaos.fleet import LEASE_SECONDS, LEAVE_SECONDS, LIGHT, Fleet
from tests.chaos.ledger import drift
from tests.chaos.oracle import judge
from tests.chaos.project import ACK_DEADLINE_SECONDS, Project
from tests.chaos.recorder import NotSeen, Recorder
from tests.chaos.report import Report
from tests.chaos.sweeping import collect_files, sweep_documents

#: A generation that was interrupted has ended by then, on a machine that is busy with others.
HOME_SECONDS = 180.0
#: Beyond an ack deadline, for the emulator to look at its clock.
REDELIVERY_MARGIN_SECONDS = 2.0
#: Cloud Scheduler's minute: by then redelivery has had its chance, and the sweep begins.
UNSWEPT_SECONDS = 60.0
#: From then on, shortened.
SWEEP_EVERY_SECONDS = 10.0
REMINDERS = 4
#: For an engine to notice that its supervisor has gone.
ORPHAN_SECONDS = 10.0
REQUEST = {"prompt": "a red circle on a blue background", "num_inference_steps": 4, "seed": 7}


@dataclass(frozen=True, kw_only=True)
class Chaos:
    """One run of the harness."""

    cloud: Cloud
    folder: Path
    report: Report

    def new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self.folder))


@dataclass
class Stage:
    chaos: Chaos
    name: str
    project: Project
    fleet: Fleet
    recorder: Recorder
    lease_seconds: float = LEASE_SECONDS
    paths: list[GenerationPath] = field(default_factory=list)

    def submit(self, **request: Any) -> GenerationPath:
        path = self.project.submit(**{**REQUEST, **request})
        self.paths.append(path)
        return path

    def try_to_submit(self, **request: Any) -> GenerationPath:
        """As `submit`, while a service may be away: a document that is written is not given up."""
        path = self.project.new_path()
        # Known before it is written: a write whose reply is lost has happened all the same.
        self.paths.append(path)
        # An event that is lost is what the sweep is there for.
        with suppress(Unavailable, Missing, GoogleAPICallError, RetryError):
            self.project.create(path, {**REQUEST, **request})
            self.project.accept(path)
        return path

    def sweep_until_home(self) -> None:
        """Play Cloud Scheduler until every document has ended; what the act took away, no queue
        brings back, so that is not counted."""
        self._sweep_until(self.recorder.wait_for_ends, swept=lambda _: None)

    def _wait(self, path: GenerationPath, reached: Callable[[State], bool]) -> State:
        """Raises `NotSeen`."""

        def is_seen(seconds: float) -> bool:
            with suppress(NotSeen):
                return bool(self.recorder.wait_for(path, reached, seconds))
            return False

        self._bring_home(is_seen)
        return self.recorder.wait_for(path, reached, SWEEP_EVERY_SECONDS)

    def _bring_home(self, is_home: Callable[[float], bool]) -> None:
        """Where the queue has not done it in a minute the sweep does, as in a deployment."""
        if not is_home(UNSWEPT_SECONDS):
            self._sweep_until(is_home, swept=self.chaos.report.swept)

    def _sweep_until(
        self, is_home: Callable[[float], bool], *, swept: Callable[[int], None]
    ) -> None:
        """Look, sweep and wait in turn, for HOME_SECONDS at most. `is_home` waits for so many
        seconds at most until it is; `swept` is told how much a sweep did."""
        deadline = time.monotonic() + HOME_SECONDS
        while time.monotonic() < deadline:
            # What the listener was not told needs no sweep.
            self.recorder.look()
            if is_home(0):
                return
            swept(sweep_documents(self.project).counts.total())
            if is_home(SWEEP_EVERY_SECONDS):
                return
        self.recorder.look()

    def remind(self, path: GenerationPath) -> None:
        """The same message a few times more: the emulator hands some to a worker that is stopped,
        and has them back only after their ack deadline."""
        self.project.publish([path] * REMINDERS)

    def wait_for_end(self, path: GenerationPath) -> State:
        return self._wait(path, lambda state: state.status.terminal)

    def wait_for_claim(self, path: GenerationPath, token: int = 1) -> State:
        return self._wait(path, lambda it: it.status is Status.PROCESSING and it.token >= token)

    def settle(
        self,
        *,
        ends: frozenset[Status] = frozenset({Status.COMPLETED}),
        most_attempts: int | None = None,
        failing: Mapping[str, ErrorCode] = MappingProxyType({}),
    ) -> None:
        """Wait until all is quiet, dismiss the workers, sweep, judge as `oracle.judge` says."""
        self._bring_home(self.recorder.wait_for_ends)
        # What a dead worker still held is delivered again to a living one, which acknowledges it.
        time.sleep(self._quiet_seconds)
        taken = self.fleet.dismiss()
        self.project.end_streams()
        if self.fleet.has_dead_streams:
            self.fleet.recall().wait_until_ready()
            time.sleep(self._quiet_seconds)
            taken += self.fleet.dismiss()
            self.project.end_streams()
        self.chaos.report.left(taken)
        left = self._processes_left()
        left += [f"a worker took {it:.1f} s to leave" for it in taken if it > LEAVE_SECONDS]
        swept = sweep_documents(self.project)
        left += [f"the sweep could not settle {it}" for it in swept.faults]
        collect_files(self.project)
        # What the workers had let go of for a while would come back now.
        time.sleep(self._quiet_seconds)
        documents = self._documents()
        self.chaos.report.never_told(self.recorder.untold())
        evidence = Evidence(
            states=self.recorder.states(),
            final={
                path: State.of(found.to_dict(), found.update_time)
                for path, found in documents.items()
            },
            files=self.project.files(),
            messages_left=self.project.messages_left(),
            processes_left=left,
            quota_drift=self._drift(documents),
        )
        found = judge(evidence, ends=ends, most_attempts=most_attempts, failing=failing)
        charges = sum("charge" in it.to_dict() for it in documents.values())
        self.chaos.report.judged(self.name, len(self.paths), found, charges=charges)

    @property
    def _quiet_seconds(self) -> float:
        """After so long no message comes any more: it was held for an ack deadline, or let go for
        as long as somebody else's lease lasts."""
        return max(ACK_DEADLINE_SECONDS, self.lease_seconds) + REDELIVERY_MARGIN_SECONDS

    def _documents(self) -> dict[str, Any]:
        """Those of all generations that are there, by path."""
        read = (self.project.database.document(str(path)).get() for path in self.paths)
        return {found.reference.path: found for found in read if found.exists}

    def _drift(self, documents: Mapping[str, Any]) -> list[str]:
        usage = {
            path: self.project.database.document(path).get()
            for path in {path.usage for path in self.paths}
        }
        return drift(
            {path: it.to_dict() for path, it in usage.items() if it.exists},
            {path: it.to_dict() for path, it in documents.items()},
        )

    def _processes_left(self) -> list[str]:
        sessions = {worker.pid for worker in self.fleet.workers}
        members = []
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) in sessions:
                    members.append(process)
            except ProcessLookupError:
                continue
        _, alive = psutil.wait_procs(members, timeout=ORPHAN_SECONDS)
        return [f"process {it.pid} outlived its supervisor" for it in alive]


_numbers = iter(range(1, 10_000))
_numbering = threading.Lock()


@contextmanager
def stage(
    chaos: Chaos,
    name: str,
    *,
    module: str = LIGHT,
    cloud: Cloud | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Stage]:
    """`name` is for people; the project's own name is made of it. `cloud`: not the run's one.
    `settings` are the workers' environment."""
    with _numbering:
        number = next(_numbers)
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:16].strip("-")
    project = Project(cloud or chaos.cloud, f"demo-{plain}-{number}")
    folder = chaos.folder / project.name
    folder.mkdir()
    try:
        with (
            Recorder(project.database) as recorder,
            Fleet(project, folder, module=module, settings=settings) as fleet,
        ):
            lease_seconds = float(settings.get("EMBERFRAME_LEASE_SECONDS", LEASE_SECONDS))
            yield Stage(chaos, name, project, fleet, recorder, lease_seconds)
    finally:
        project.close()
