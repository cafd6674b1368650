"""How many more denoising steps an engine begins once a cancellation is written.

The engine is a real one and is held at a step until the phone's write is committed, so that nothing
else but the way of the news is counted.
"""

from functools import partial
from random import Random

from shared.crash_points import Action, Arming, CrashPoint
from shared.status import Status
from tests.chaos.act import Act
from tests.chaos.desk import Desk
from tests.chaos.fleet import READY_SECONDS, REAL
from tests.chaos.stage import Chaos, stage

#: Far more than pass before the news arrives.
STEPS = 150
HELD_AT = (2, 40)


def acts(random: Random, times: int) -> list[Act]:
    held = tuple(random.randint(*HELD_AT) for _ in range(times))
    return [Act(kind="cancel", name=f"{times} cancellations", play=partial(play, held))]


def play(held: tuple[int, ...], chaos: Chaos) -> None:
    armed = Arming(point=CrashPoint.IN_ENGINE_STEP, passing=None, action=Action.HOLD)
    with Desk() as desk, stage(chaos, "cancellations", module=REAL) as here:
        desk.hold_none()
        here.fleet.start(desk.env(armed)).wait_until_ready()
        for number in held:
            desk.hold_at(CrashPoint.IN_ENGINE_STEP, number)
            path = here.submit(num_inference_steps=STEPS)
            visit = desk.next_visit(READY_SECONDS)
            here.project.cancel(path)
            before = desk.count(CrashPoint.IN_ENGINE_STEP)
            chaos.report.fault("cancellation")
            visit.let_pass()
            here.wait_for_end(path)
            chaos.report.cancelled(desk.count(CrashPoint.IN_ENGINE_STEP) - before)
        here.settle(ends=frozenset({Status.CANCELLED}), most_attempts=1)
