"""`python -m bench.idle_gap`: B1, how long an engine stands still between two jobs that both wait.

A real pull worker on emulators, its engine asleep for 0.3 s and for 1.5 s a job and a stopwatch
besides; the peer is a plain handler under the RunPod SDK's own loop, fed by a double of its API.
Bursts of ours and of the peer's in turn. Bound: a minute and a half.
"""

import statistics
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.intakes import runpod
from bench.intakes.idling import gaps_of
from bench.intakes.pull import pull_lane
from bench.outcome import Outcome
from bench.quiet import quiet_clients
from bench.reporting import main
from tests.chaos.emulators import running_cloud
from tests.unit.runpod.conftest import running_endpoint
from tests.unit.runpod.double import RunPod
from tests.unit.runpod.light_endpoint import SLOW_STEP_SECONDS

MILLISECONDS = 1000
GOAL_MILLISECONDS = 5.0
GOAL_DUTY = 0.98
ROUNDS = 2
WARM_UP_JOBS = 2


@dataclass(frozen=True)
class Length:
    """Jobs that take the engine so long."""

    name: str
    seconds: float
    #: In one burst.
    jobs: int

    @property
    def steps(self) -> int:
        return round(self.seconds / SLOW_STEP_SECONDS)


LENGTHS = (Length("B1a", 0.3, 12), Length("B1b", 1.5, 5))


def measure() -> Sequence[Outcome]:
    quiet_clients()
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_cloud(Path(scratch)) as cloud,
        RunPod() as double,
        running_endpoint(
            Path(scratch),
            module=runpod.PEER,
            **{**double.environment, "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true"},
        ),
        ExitStack() as ending,
    ):
        # Else the plain one would go on for as long as its calls do.
        ending.callback(double.hang_up)
        outcomes = []
        for length in LENGTHS:
            runpod.plain_gaps(double, WARM_UP_JOBS, steps=1)
            with pull_lane(
                cloud,
                Path(scratch) / length.name,
                job_seconds=length.seconds,
                name=f"demo-bench-{length.name.lower()}",
            ) as lane:
                lane.burst(WARM_UP_JOBS)
                ours, peer, duties = [], [], []
                for _ in range(ROUNDS):
                    turns = lane.burst(length.jobs)
                    ours += gaps_of(turns)
                    worked = sum(it.ended - it.began for it in turns)
                    duties.append(worked / (turns[-1].ended - turns[0].began))
                    peer += runpod.plain_gaps(double, length.jobs, steps=length.steps)
            outcomes.append(_outcome(length, ours, peer, duties))
    return outcomes


def _outcome(
    length: Length, ours: Sequence[float], peer: Sequence[float], duties: Sequence[float]
) -> Outcome:
    gaps, others = ([it * MILLISECONDS for it in values] for values in (ours, peer))
    value, duty = statistics.median(gaps), statistics.median(duties)
    return Outcome(
        name=length.name,
        timed=f"engine idle between two jobs of {length.seconds:g} s",
        value=value,
        floor=0.0,
        peer=statistics.median(others),
        unit="ms",
        goal=f"≤ {GOAL_MILLISECONDS:g} ms, duty ≥ {GOAL_DUTY:g}",
        met=value <= GOAL_MILLISECONDS and duty >= GOAL_DUTY,
        samples={"ours": gaps, "peer": others},
        more={
            "duty": duty,
            "longest": max(gaps),
            "peer_duty": length.seconds / (length.seconds + statistics.mean(peer)),
        },
    )


if __name__ == "__main__":
    main(measure)
