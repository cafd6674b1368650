"""`python -m bench.backlog`: B3, 20 pictures of 1024 × 1024 that all wait, the engine 0.3 s each.

The floor is the engine's time of the same burst, and the tail of a lone job behind it (encode,
upload, write, seen); the peer does generate, encode and upload in turn. Bound: a minute and a half.
"""

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.intakes.worker import TimedWorker
from bench.outcome import Outcome
from bench.quiet import quiet_clients
from bench.reporting import main
from bench.stands import Stand, other_stand, our_stand
from tests.chaos.emulators import running_cloud

JOBS, JOB_SECONDS, SIDE = 20, 0.3, 1024
ROUNDS, LONE_JOBS = 3, 3
OF_FLOOR = 1.05


def measure() -> Sequence[Outcome]:
    quiet_clients()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_cloud(Path(folder)) as cloud,
        our_stand(cloud, Path(folder), "ours", side=SIDE, job_seconds=JOB_SECONDS) as (ours, timed),
        other_stand(cloud, "naive", "naive", side=SIDE, job_seconds=JOB_SECONDS) as naive,
    ):
        naive.serve(1)
        samples: dict[str, list[float]] = {"ours": [], "floor": [], "peer": [], "tail": []}
        for _ in range(ROUNDS):
            tail = statistics.median(_tail(ours, timed) for _ in range(LONE_JOBS))
            before = len(timed.turns())
            samples["ours"].append(ours.serve(JOBS).seconds)
            worked = sum(it.ended - it.began for it in timed.turns()[before:])
            samples["floor"].append(worked + tail)
            samples["tail"].append(tail)
            samples["peer"].append(naive.serve(JOBS).seconds)
    value, floor, peer, tail = (statistics.median(values) for values in samples.values())
    return [
        Outcome(
            name="B3",
            timed=f"{JOBS} jobs with 1024² PNGs, engine {JOB_SECONDS:g} s each",
            value=value,
            floor=floor,
            peer=peer,
            unit="s",
            goal=f"≤ {OF_FLOOR:g} × floor",
            met=value <= OF_FLOOR * floor,
            samples=samples,
            more={"tail": tail},
        )
    ]


def _tail(stand: Stand, worker: TimedWorker) -> float:
    """Seconds from the engine's end until the listener sees it, of a lone job."""
    served = stand.serve(1)
    return served.completed - worker.turns()[-1].ended


if __name__ == "__main__":
    main(measure)
