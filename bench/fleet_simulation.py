"""A fleet of GPU workers before a queue, event by event (SimPy). One generation after the other.

A worker is wanted, starts cold, takes jobs and is let go. It holds up to `slots` jobs, of which the
GPU works on one (or on one batch) at a time; with more than one slot a job may wait at a busy
worker while another is idle, since Pub/Sub gives to any that has room. How many workers there are
is for a scaler to say (`bench.fleet_scaling`).
"""

import math
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

import simpy

Process: TypeAlias = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    """What a worker is like. Times in seconds."""

    #: GPU time of one job, drawn for each.
    job_seconds: Callable[[Random], float]
    cold_start_seconds: float = 0.0
    slots: int = 1
    #: The other slots open so long before the end of what the GPU works on.
    opens_before_end: float = math.inf
    #: GPU idle after each job.
    gap_seconds: float = 0.0
    batch: int = 1
    #: Jobs a second in a full batch, against one by one.
    batch_gain: float = 1.0
    #: Workers that are always there, warm from the start.
    least: int = 0
    #: The quota.
    most: int = 1_000_000


@dataclass(kw_only=True, slots=True, eq=False)
class Job:
    arrived: float
    seconds: float
    #: The last time, if it was given back.
    started: float = -1.0
    ended: float = -1.0


@dataclass(kw_only=True, slots=True, eq=False)
class Worker:
    held: deque[Job] = field(default_factory=deque[Job])
    working: list[Job] = field(default_factory=list[Job])
    ready: bool = False
    #: Jobs that it may hold by now, up to its slots.
    room: int = 1
    idle_since: float = 0.0
    #: Where it waits for a job.
    wake: simpy.Event | None = None
    process: simpy.Process | None = None
    #: Its place among those with a free slot; −1: it has none.
    place: int = -1


class Integral:
    """Of a count over time."""

    def __init__(self) -> None:
        self.count = 0
        self._area = 0.0
        self._since = 0.0

    def change(self, by: int, now: float) -> None:
        self._area += self.count * (now - self._since)
        self.count += by
        self._since = now

    def until(self, now: float) -> float:
        return self._area + self.count * (now - self._since)


class Simulation:
    """`run` once. Deterministic: the same random numbers make the same fleet's fate."""

    def __init__(self, fleet: Fleet, rng: Random) -> None:
        self.env = simpy.Environment()
        self.fleet = fleet
        self.rng = rng
        self.backlog: deque[Job] = deque()
        self.workers: set[Worker] = set()
        #: The same in an order, of which random numbers choose; stopped ones may still be there.
        self._order: list[Worker] = []
        #: Those with a free slot; with one slot, the last that was used comes last.
        self._free: list[Worker] = []
        self.wanted, self.busy, self.jobs = Integral(), Integral(), Integral()
        self.finished: list[Job] = []
        self.most_workers = 0
        self._coming = True
        self._over = self.env.event()
        for _ in range(fleet.least):
            self.start_worker(warm=True)

    def run(self, moments: Iterable[float], scaler: "Callable[[Simulation], Process]") -> float:
        """Until the last job is done; returns the second of that."""
        self.env.process(self._arrive(moments))
        self.env.process(scaler(self))
        self.env.run(until=self._over)
        return float(self.env.now)

    @property
    def _least_room(self) -> int:
        return self.fleet.slots if self.fleet.opens_before_end == math.inf else 1

    @property
    def unfinished(self) -> int:
        """Jobs that wait or are worked on."""
        return self.jobs.count

    @property
    def starting(self) -> int:
        return sum(not it.ready for it in self.workers)

    def start_worker(self, *, warm: bool = False) -> None:
        worker = Worker(idle_since=self.env.now)
        self.workers.add(worker)
        self._order.append(worker)
        self.wanted.change(1, self.env.now)
        self.most_workers = max(self.most_workers, len(self.workers))
        worker.process = self.env.process(self._work(worker, warm=warm))

    def stop_idle(self, longer_than: float, keep: int) -> None:
        """Let those go that have been idle for so long, as long as `keep` remain."""
        if len(self.workers) <= keep:
            return
        limit = self.env.now - longer_than
        idle = [it for it in self._free if not it.held and not it.working and it.ready]
        idle.sort(key=lambda it: it.idle_since)
        for worker in idle[: len(self.workers) - keep]:
            if worker.idle_since <= limit:
                self._stop(worker)

    def stop_any(self, count: int) -> None:
        """Let workers go as one does who does not know which are idle: their jobs begin anew."""
        self._order = [it for it in self._order if it in self.workers]
        for worker in self.rng.sample(self._order, count):
            self._stop(worker)

    def _stop(self, worker: Worker) -> None:
        self.workers.discard(worker)
        self.wanted.change(-1, self.env.now)
        self._take_from_free(worker)
        if worker.process is not None and worker.process.is_alive:
            worker.process.interrupt()

    def _arrive(self, moments: Iterable[float]) -> Process:
        for moment in moments:
            yield self.env.timeout(moment - self.env.now)
            self.jobs.change(1, self.env.now)
            self._hand_out(Job(arrived=moment, seconds=self.fleet.job_seconds(self.rng)))
        self._coming = False
        self._end_if_done()

    def _hand_out(self, job: Job) -> None:
        if not self._free:
            self.backlog.append(job)
            return
        # With one slot the last that was used; with more, any that has room.
        last = len(self._free) - 1
        place = last if self.fleet.slots == 1 else self.rng.randrange(last + 1)
        worker = self._free[place]
        worker.held.append(job)
        self._note_room(worker)
        if worker.wake is not None:
            worker.wake.succeed()
            worker.wake = None

    def _note_room(self, worker: Worker) -> None:
        has_room = len(worker.held) + len(worker.working) < worker.room
        if has_room and worker.place < 0:
            worker.place = len(self._free)
            self._free.append(worker)
        elif not has_room:
            self._take_from_free(worker)

    def _take_from_free(self, worker: Worker) -> None:
        if worker.place < 0:
            return
        last = self._free.pop()
        if last is not worker:
            self._free[worker.place] = last
            last.place = worker.place
        worker.place = -1

    def _fill(self, worker: Worker) -> None:
        while self.backlog and len(worker.held) + len(worker.working) < worker.room:
            worker.held.append(self.backlog.popleft())
        self._note_room(worker)

    def _work(self, worker: Worker, *, warm: bool) -> Process:
        try:
            if not warm:
                yield self.env.timeout(self.fleet.cold_start_seconds)
            worker.ready = True
            worker.room = self._least_room
            while True:
                self._fill(worker)
                if not worker.held:
                    worker.idle_since = self.env.now
                    worker.wake = self.env.event()
                    yield worker.wake
                seconds = self._begin(worker)
                late = max(0.0, seconds - self.fleet.opens_before_end)
                if late:
                    yield self.env.timeout(late)
                    worker.room = self.fleet.slots
                    self._fill(worker)
                yield self.env.timeout(seconds - late)
                self._finish(worker)
                if self.fleet.gap_seconds:
                    yield self.env.timeout(self.fleet.gap_seconds)
        except simpy.Interrupt:
            self._give_back(worker)

    def _begin(self, worker: Worker) -> float:
        """The GPU's seconds with what it now begins."""
        count = min(self.fleet.batch, len(worker.held))
        worker.working = [worker.held.popleft() for _ in range(count)]
        for job in worker.working:
            job.started = self.env.now
        self.busy.change(1, self.env.now)
        alone = sum(job.seconds for job in worker.working)
        return alone / (self.fleet.batch_gain if count > 1 else 1.0)

    def _finish(self, worker: Worker) -> None:
        now = self.env.now
        self.busy.change(-1, now)
        for job in worker.working:
            job.ended = now
            self.finished.append(job)
        self.jobs.change(-len(worker.working), now)
        worker.working = []
        worker.room = self._least_room
        if not self.fleet.gap_seconds:
            self._fill(worker)
        self._end_if_done()

    def _give_back(self, worker: Worker) -> None:
        if worker.working:
            self.busy.change(-1, self.env.now)
        jobs = [*worker.working, *worker.held]
        worker.working, worker.held = [], deque()
        for job in reversed(jobs):
            self.backlog.appendleft(job)
        while self.backlog and self._free:
            self._hand_out(self.backlog.popleft())

    def _end_if_done(self) -> None:
        if not self._coming and self.jobs.count == 0 and not self._over.triggered:
            self._over.succeed()
