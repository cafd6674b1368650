"""`python -m bench.intakes`: what each intake adds to a job, and how long the engine idles.

The engine only sleeps. Emulators stand in for Google, a double for RunPod's API; the peer is a
plain handler under the RunPod SDK's own loop, in the same run. Bound: a minute or two.
"""

import statistics
import tempfile
from pathlib import Path

from bench.guard import guarded_here
from bench.intakes import runpod
from bench.intakes.lane import Lane
from bench.intakes.pull import pull_lane
from bench.intakes.push import push_lane
from bench.quiet import quiet_clients
from bench.report import write_section
from tests.chaos.emulators import running_cloud

#: As long as a picture on a fast GPU.
JOB_SECONDS = 0.3
WARM_UP_JOBS, LONE_JOBS, WAITING_JOBS = 3, 15, 40
MILLISECONDS = 1000


def main() -> None:
    quiet_clients()
    with guarded_here():
        _measure_all()


def _measure_all() -> None:
    with tempfile.TemporaryDirectory() as scratch, running_cloud(Path(scratch)) as cloud:
        rows = []
        for name, make_lane in (("pull", pull_lane), ("push", push_lane)):
            with make_lane(cloud, Path(scratch) / name, job_seconds=JOB_SECONDS) as lane:
                rows.append([f"`gpu_worker {name}`", f"{JOB_SECONDS:g}", *measure(lane)])
    for name, module in (
        ("`gpu_worker runpod`", runpod.OURS),
        ("a plain handler under RunPod's loop", runpod.PEER),
    ):
        alone, between = runpod.measure(module)
        cells = [_ms(statistics.median(it)) for it in (alone, between)]
        longest = max(between)
        duty = runpod.ENGINE_SECONDS / (runpod.ENGINE_SECONDS + statistics.mean(between))
        seconds = f"{runpod.ENGINE_SECONDS:g}"
        rows.append([name, seconds, *cells, _ms(longest), f"{duty:.3f}"])
    header = ["", "seconds a job", "lone job beyond the engine, p50"]
    write_section("intakes", [*header, "engine idle between two, p50", "longest", "duty"], rows)


def measure(lane: Lane) -> list[str]:
    lane.overhead(WARM_UP_JOBS)
    overhead = lane.overhead(LONE_JOBS)
    idling = lane.idling(WAITING_JOBS)
    return [
        _ms(overhead),
        _ms(idling.median_gap),
        _ms(idling.longest_gap),
        f"{idling.duty:.3f}",
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * MILLISECONDS:.1f} ms"


if __name__ == "__main__":
    main()
