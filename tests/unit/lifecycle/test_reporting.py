"""What a worker says of itself, as it is put together from its parts."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gpu_worker.health import Health, HealthFile
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.ports import EngineInfo
from gpu_worker.reporting import report_of
from gpu_worker.tally import Tally
from shared.kinds import Kind
from shared.presence import WorkerReport, WorkerState
from shared.version import VERSION
from tests.unit.lifecycle.stores import PATH, TIMEOUT_SECONDS
from tests.unit.lifecycle.world import START, Worker, World

SINCE = START - timedelta(hours=1)


def report(worker: Worker, health: Health = Health.READY) -> WorkerReport:
    file = HealthFile(None)
    file.write(health)
    return report_of(
        worker.runner._wiring,
        worker.runner,
        file,
        kinds=(Kind.IMAGE,),
        intake="pull",
        since=SINCE,
    )


def test_an_idle_worker_says_what_it_is_and_what_it_has_done(world: World) -> None:
    tally = Tally()
    tally.add(Kind.VIDEO, 30.0)
    said = report(world.worker(tally=tally))
    assert said == WorkerReport(
        state=WorkerState.READY,
        kinds=(Kind.IMAGE,),
        intake="pull",
        version=VERSION,
        started_at=SINCE,
        device="none",
        models=("in-memory", "in-memory-film"),
        jobs=(),
        jobs_done={Kind.VIDEO: 1},
        seconds_per_job={Kind.VIDEO: 30.0},
    )


def test_one_with_work_in_hand_is_busy_and_says_with_what(world: World) -> None:
    worker, handling = world.hold_one()
    said = report(worker)
    assert (said.state, said.jobs) == (WorkerState.BUSY, (str(PATH),))
    worker.release()
    handling.result(TIMEOUT_SECONDS)
    said = report(worker)
    assert (said.state, said.jobs) == (WorkerState.READY, ())
    assert said.jobs_done == {Kind.IMAGE: 1}


@pytest.mark.parametrize("health", [Health.STARTING, Health.DRAINING])
def test_one_that_starts_or_leaves_says_so_whatever_it_has_in_hand(
    world: World, health: Health
) -> None:
    worker, _ = world.hold_one()
    assert report(worker, health).state.value == health.value


def test_its_memory_is_the_engine_s_and_the_supervisor_s_own(world: World) -> None:
    class Measured(InMemoryEngine):
        @property
        def info(self) -> EngineInfo:
            return EngineInfo(
                models=("m",), device="cuda", device_name="GPU", load_seconds=1.0, memory={"a": 5}
            )

    memory = report(world.worker(engine=Measured())).memory
    assert memory["a"] == 5
    # Bytes: a Python process has megabytes at least.
    assert memory["supervisor_peak"] == pytest.approx(peak_bytes(), rel=0.5)
    assert set(memory) == {"a", "supervisor_peak"}


def peak_bytes() -> int:
    """Of this process, as Linux tells it in /proc."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("Linux says VmHWM of every process")


def test_a_look_at_a_worker_that_lost_its_engine_starts_no_other(world: World) -> None:
    class Lost(InMemoryEngine):
        """Ready when one asks, gone when one waits for it."""

        @property
        def info(self) -> None:
            return None

        def wait_ready(self, timeout_seconds: float) -> Any:
            raise AssertionError(f"waited {timeout_seconds} s, which starts an engine")

    said = report(world.worker(engine=Lost()))
    assert (said.device, said.models) == ("", ())
    assert set(said.memory) == {"supervisor_peak"}
