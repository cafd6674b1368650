"""The kill matrix on the supervisor: every point of a generation × every way to stop a process."""

import time
from contextlib import suppress
from functools import partial
from random import Random

from shared.crash_points import Action, Arming, CrashPoint
from shared.paths import GenerationPath
from tests.chaos.act import Act
from tests.chaos.desk import Desk, Visit, is_stopped, resume
from tests.chaos.fleet import GIVE_UP_SECONDS, LEASE_SECONDS, READY_SECONDS
from tests.chaos.stage import Chaos, Stage, stage
from tools.stack.waiting import wait_until

POINTS = (
    CrashPoint.RECEIVED,
    CrashPoint.CLAIMED,
    CrashPoint.ENGINE_START,
    CrashPoint.STEP,
    CrashPoint.UPLOADED,
    CrashPoint.FINISHING,
    CrashPoint.ACKNOWLEDGING,
)
ACTIONS = (Action.SIGKILL, Action.SIGTERM, Action.SIGSTOP)
#: A stopped process stands still for so many leases.
STOPPED_LEASES = 2


def acts(random: Random) -> list[Act]:
    """Every cell once; which step and which file is drawn."""
    cells = [
        Arming(point=point, passing=_passing(point, random), action=action)
        for action in ACTIONS
        for point in POINTS
    ]
    return [
        Act(kind="supervisor", name=f"supervisor {cell}", play=partial(play, cell))
        for cell in cells
    ]


def _passing(point: CrashPoint, random: Random) -> int:
    """Of four steps' five reports, or of the picture and its thumbnail."""
    return {CrashPoint.STEP: random.randint(1, 5), CrashPoint.UPLOADED: random.randint(1, 2)}.get(
        point, 1
    )


def play(cell: Arming, chaos: Chaos) -> None:
    """One cell, judged on its own."""
    with Desk() as desk, stage(chaos, f"supervisor {cell}") as here:
        worker = here.fleet.start(desk.env(cell))
        worker.wait_until_ready()
        path = here.submit()
        visit = desk.next_visit(READY_SECONDS)
        chaos.report.fault(f"supervisor {cell.action} at {cell.point}")
        began = time.monotonic()
        visit.proceed()
        if cell.action is Action.SIGSTOP:
            _stand_still(here, path, visit, began)
        else:
            worker.process.wait(GIVE_UP_SECONDS)
        if cell.action is Action.SIGTERM:
            chaos.report.left([time.monotonic() - began])
        here.wait_for_end(path)
        if cell.action is Action.SIGKILL and cell.point is not CrashPoint.ACKNOWLEDGING:
            chaos.report.recovered(time.monotonic() - began)
        here.settle()


def _stand_still(here: Stage, path: GenerationPath, visit: Visit, began: float) -> None:
    """Another worker takes over meanwhile; then the stopped one goes on as if nothing were."""
    wait_until(lambda: is_stopped(visit.pid), deadline=began + GIVE_UP_SECONDS, check=lambda: None)
    try:
        here.fleet.start().wait_until_ready()
        here.remind(path)
        time.sleep(max(0.0, began + STOPPED_LEASES * LEASE_SECONDS - time.monotonic()))
    finally:
        with suppress(ProcessLookupError):
            resume(visit.pid)
