"""A worker is stopped past its lease, another finishes, the first goes on: it must write nothing.

Stopped where it hurts most: in the middle of a step, between two uploads, and right before its last
write.
"""

import time
from functools import partial

from shared.crash_points import Action, Arming, CrashPoint
from tests.chaos.act import Act
from tests.chaos.desk import Desk, is_stopped, resume
from tests.chaos.fleet import GIVE_UP_SECONDS, READY_SECONDS
from tests.chaos.stage import Chaos, stage
from tools.stack.waiting import wait_until

CELLS = (
    Arming(point=CrashPoint.STEP, passing=3, action=Action.SIGSTOP),
    Arming(point=CrashPoint.UPLOADED, passing=1, action=Action.SIGSTOP),
    Arming(point=CrashPoint.FINISHING, passing=1, action=Action.SIGSTOP),
)
#: How a worker's log says that it noticed, by way of the watch, the clock or a refused write.
NOTICED = ("is lost", "lease_lost")


def acts() -> list[Act]:
    return [
        Act(kind="zombie", name=f"zombie {cell.point}", play=partial(play, cell)) for cell in CELLS
    ]


def play(cell: Arming, chaos: Chaos) -> None:
    """The oracle counts any write after the other worker's end as a duplicate."""
    with Desk() as desk, stage(chaos, f"zombie {cell.point}") as here:
        zombie = here.fleet.start(desk.env(cell))
        zombie.wait_until_ready()
        path = here.submit()
        visit = desk.next_visit(READY_SECONDS)
        chaos.report.fault("zombie")
        visit.proceed()
        deadline = time.monotonic() + GIVE_UP_SECONDS
        wait_until(lambda: is_stopped(visit.pid), deadline=deadline, check=lambda: None)
        try:
            here.fleet.start().wait_until_ready()
            here.remind(path)
            here.wait_for_end(path)
        finally:
            resume(visit.pid)
        deadline = time.monotonic() + GIVE_UP_SECONDS
        if not wait_until(
            lambda: any(words in zombie.tail() for words in NOTICED),
            deadline=deadline,
            check=lambda: None,
        ):
            raise TimeoutError(f"the zombie never noticed that its lease is lost: {zombie.tail()}")
        here.settle()
