"""The kill matrix on the engine: a real engine process, with the embedded model, is hit at every
point of a generation.

The supervisor is held at the point while the engine is hit, so the engine is where it is at that
point: at rest, loading, or in the middle of a step. One worker serves a column of the matrix, a
generation after the other, since loading a model is what takes long.
"""

import signal
import time
from contextlib import suppress
from functools import partial
from random import Random

import psutil

from shared.crash_points import Action, Arming, CrashPoint
from tests.chaos.act import Act
from tests.chaos.desk import Desk
from tests.chaos.fleet import LEASE_SECONDS, READY_SECONDS, REAL, WorkerProcess
from tests.chaos.scenarios.supervisor_kills import ACTIONS, POINTS, STOPPED_LEASES
from tests.chaos.stage import Chaos, Stage, stage
from tools.stack.waiting import wait_until

STEPS = 2
#: Which passing of a point is hit; the others are let pass.
PASSING = {CrashPoint.STEP: 2}
#: Later the engine has done its part, and nothing waits for another.
ENGINE_NEEDED = (
    CrashPoint.RECEIVED,
    CrashPoint.CLAIMED,
    CrashPoint.ENGINE_START,
    CrashPoint.STEP,
)
GONE_SECONDS = 10.0
STOPS_AN_ACT = 3


def acts(random: Random) -> list[Act]:
    """A column of the matrix each; stops, which take two leases, are spread over more."""
    columns = [(action, tuple(random.sample(POINTS, len(POINTS)))) for action in ACTIONS]
    columns = [
        (action, part)
        for action, points in columns
        for part in _parts(points, STOPS_AN_ACT if action is Action.SIGSTOP else len(points))
    ]
    return [
        Act(
            kind="engine",
            name=f"engine {action} at {', '.join(points)}",
            play=partial(play, action, points),
        )
        for action, points in columns
    ]


def _parts(points: tuple[CrashPoint, ...], size: int) -> list[tuple[CrashPoint, ...]]:
    return [points[start : start + size] for start in range(0, len(points), size)]


def play(action: Action, points: tuple[CrashPoint, ...], chaos: Chaos) -> None:
    """One generation after the other on one worker, its engine hit in each."""
    armed = [Arming(point=point, passing=None, action=Action.HOLD) for point in POINTS]
    with Desk() as desk, stage(chaos, f"engine {action}", module=REAL) as here:
        worker = here.fleet.start(desk.env(*armed))
        worker.wait_until_ready()
        for point in points:
            _hit(here, desk, worker, point, action)
        here.settle()


def _hit(here: Stage, desk: Desk, worker: WorkerProcess, point: CrashPoint, action: Action) -> None:
    desk.hold_none()
    # One that nothing happens to: the engine that is hit next is there, and it is whole.
    here.wait_for_end(here.submit(num_inference_steps=STEPS))
    engine = worker.engine()
    desk.hold_at(point, PASSING.get(point, 1))
    path = here.submit(num_inference_steps=STEPS)
    visit = desk.next_visit(READY_SECONDS)
    here.chaos.report.fault(f"engine {action} at {point}")
    began = time.monotonic()
    engine.send_signal(signal.Signals[action])
    if action is Action.SIGKILL:
        # Dead for certain, before the supervisor goes on; it may be what keeps it from burial.
        deadline = time.monotonic() + GONE_SECONDS
        wait_until(lambda: _is_dead(engine), deadline=deadline, check=lambda: None)
    visit.let_pass()
    if action is Action.SIGSTOP:
        time.sleep(STOPPED_LEASES * LEASE_SECONDS)
        with suppress(psutil.NoSuchProcess):
            engine.send_signal(signal.SIGCONT)
    here.wait_for_end(path)
    if action is Action.SIGKILL and point in ENGINE_NEEDED:
        here.chaos.report.recovered(time.monotonic() - began)


def _is_dead(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
