"""`python -m bench.latency`: B2, from publishing until a listener sees `completed`, engine null.

A real pull worker; the floor makes the calls that it makes, scripted raw; the peer is a naive
consumer (both `bench.consumers`). One job each in turn, pictures of 64 × 64. Bound: a minute.
"""

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.outcome import Outcome
from bench.quiet import quiet_clients
from bench.reporting import main
from bench.stands import other_stand, our_stand
from tests.chaos.emulators import running_cloud

ROUNDS, WARM_UP_ROUNDS = 45, 8
SIDE = 64
MILLISECONDS = 1000
OF_FLOOR, OF_PEER = 1.15, 0.6


def measure() -> Sequence[Outcome]:
    quiet_clients()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_cloud(Path(folder)) as cloud,
        our_stand(cloud, Path(folder), "ours", side=SIDE, job_seconds=0.0) as (ours, _),
        other_stand(cloud, "floor", "floor", side=SIDE, job_seconds=0.0) as floor,
        other_stand(cloud, "naive", "naive", side=SIDE, job_seconds=0.0) as naive,
    ):
        stands = {"ours": ours, "floor": floor, "peer": naive}
        samples: dict[str, list[float]] = {name: [] for name in stands}
        for _ in range(WARM_UP_ROUNDS + ROUNDS):
            for name, stand in stands.items():
                samples[name].append(stand.serve(1).seconds * MILLISECONDS)
    samples = {name: values[WARM_UP_ROUNDS:] for name, values in samples.items()}
    value, least, peer = (statistics.median(values) for values in samples.values())
    return [
        Outcome(
            name="B2",
            timed="publish → `completed` seen, null engine",
            value=value,
            floor=least,
            peer=peer,
            unit="ms",
            goal=f"≤ {OF_FLOOR:g} × floor, ≤ {OF_PEER:g} × peer",
            met=value <= OF_FLOOR * least and value <= OF_PEER * peer,
            samples=samples,
        )
    ]


if __name__ == "__main__":
    main(measure)
