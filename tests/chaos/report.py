"""What a run counts: jobs, faults by kind, broken promises, and how long things took."""

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.oracle import Kind, Violation


@dataclass
class Report:
    """Thread-safe."""

    seed: int
    jobs: int = 0
    #: Generations whose charge was compared with their owner's usage.
    charges: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    #: Scenario → what it broke.
    violations: dict[str, list[str]] = field(default_factory=dict)
    #: Generations whose message did not come back by itself within a minute.
    brought_home: int = 0
    #: Generations whose last change the emulator never told its listener.
    untold: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    #: Seconds from a kill -9 to the generation's end.
    recoveries: list[float] = field(default_factory=list)
    #: Seconds from SIGTERM to the process's end.
    shutdowns: list[float] = field(default_factory=list)
    #: Denoising steps begun between a cancellation and the engine being free.
    cancel_steps: list[int] = field(default_factory=list)
    #: Act → why it could not be played to its end.
    failures: dict[str, str] = field(default_factory=dict)
    omitted: list[str] = field(default_factory=list)
    #: Act → seconds.
    seconds: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def fault(self, kind: str, count: int = 1) -> None:
        with self._lock:
            self.faults[kind] += count

    def swept(self, count: int) -> None:
        with self._lock:
            self.brought_home += count

    def never_told(self, count: int) -> None:
        with self._lock:
            self.untold += count

    def recovered(self, seconds: float) -> None:
        with self._lock:
            self.recoveries.append(seconds)

    def left(self, seconds: list[float]) -> None:
        with self._lock:
            self.shutdowns += seconds

    def cancelled(self, steps: int) -> None:
        with self._lock:
            self.cancel_steps.append(steps)

    def played(self, act: str, seconds: float) -> None:
        with self._lock:
            self.seconds[act] = round(seconds, 1)

    def failed(self, act: str, why: str) -> None:
        """The act did not take place as planned, so nothing is known."""
        with self._lock:
            self.failures[act] = why

    def left_out(self, act: str) -> None:
        """`act` and why it was not played, in words."""
        with self._lock:
            self.omitted.append(act)

    def in_words(self) -> str:
        """For whoever waits at the terminal."""
        figures = self.to_json()
        lines = [
            f"{figures['jobs']} jobs, {sum(figures['faults'].values())} faults",
            ", ".join(f"{figures[it]} {it}" for it in ("lost", "duplicated", "orphans")),
            f"{figures['untold']} generations whose last change their listener was never told",
            f"{figures['brought_home']} brought home by the sweep, not by the queue",
            f"quota drift {figures['quota_drift']}, of {figures['charges']} charges",
        ]
        lines += [f"left out: {each}" for each in self.omitted]
        for act, broken in figures["violations"].items():
            lines += [f"BROKEN in {act}: {each}" for each in broken]
        lines += [f"NOT PLAYED {act}: {why}" for act, why in figures["failures"].items()]
        return "\n".join(lines)

    @property
    def clean(self) -> bool:
        with self._lock:
            return not self.violations and not self.failures

    def judged(
        self, scenario: str, jobs: int, violations: list[Violation], *, charges: int = 0
    ) -> None:
        with self._lock:
            self.jobs += jobs
            self.charges += charges
            self.kinds.update(violation.kind for violation in violations)
            if violations:
                self.violations.setdefault(scenario, []).extend(map(str, violations))

    def to_json(self) -> dict[str, Any]:
        with self._lock:
            return {
                "seed": self.seed,
                "jobs": self.jobs,
                "faults": dict(sorted(self.faults.items())),
                "brought_home": self.brought_home,
                "untold": self.untold,
                "violations": self.violations,
                "failures": self.failures,
                "omitted": self.omitted,
                "lost": self.kinds[Kind.LOST],
                "duplicated": self.kinds[Kind.DUPLICATED],
                "orphans": self.kinds[Kind.ORPHAN],
                "quota_drift": self.kinds[Kind.QUOTA],
                "charges": self.charges,
                "recovery_seconds": sorted(self.recoveries),
                "shutdown_seconds": sorted(self.shutdowns),
                "cancel_steps": sorted(self.cancel_steps),
                "act_seconds": self.seconds,
            }

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.to_json(), indent=2) + "\n")
