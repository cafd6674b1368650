"""A poison job among good ones: whoever takes it loses the engine, and only by it.

One worker has to do, so that nobody else can keep the queue going. A good generation stands behind
the poison one in the same engine each time that it dies.
"""

from shared.claim import MAX_ATTEMPTS
from shared.crash_points import Action, Arming, CrashPoint
from shared.errors import ErrorCode
from tests.chaos.act import Act
from tests.chaos.desk import Desk, NotReached, Visit
from tests.chaos.fleet import READY_SECONDS, REAL, USUAL_LEASE
from tests.chaos.stage import SWEEP_EVERY_SECONDS, Chaos, Stage, stage
from tests.chaos.sweeping import sweep_documents

#: One more waits for the engine while another is in it.
SETTINGS = {"EMBERFRAME_SLOTS": "2", **USUAL_LEASE}
#: Good ones that lie in the subscription from the start, that come before each further try of the
#: poison one, and that come after its end.
GOOD_AT_FIRST, GOOD_BETWEEN, GOOD_AFTER = 4, 2, 2


def acts() -> list[Act]:
    return [Act(kind="poison", name="a poison job among good ones", play=play)]


def play(chaos: Chaos) -> None:
    """The good ones are claimed once: what the poison job does to its engine is not their try."""
    armed = Arming(point=CrashPoint.IN_ENGINE_STEP, passing=None, action=Action.EXIT)
    with Desk() as desk, stage(chaos, "poison", module=REAL, settings=SETTINGS) as here:
        desk.hold_at(CrashPoint.IN_ENGINE_STEP)
        here.fleet.start(desk.env(armed)).wait_until_ready()
        poison = here.submit()
        visit = desk.next_visit(READY_SECONDS)
        desk.hold_each(CrashPoint.IN_ENGINE_STEP, str(poison))
        for _ in range(GOOD_AT_FIRST):
            here.submit()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            # Whatever lease it was taken with, it is this one's.
            if not visit.about.startswith(f"{poison}/"):
                raise AssertionError(f"{visit.about} is at work, not {poison}")
            if attempt > 1:
                for _ in range(GOOD_BETWEEN):
                    here.submit()
            chaos.report.fault("poison job killed its engine")
            visit.proceed()
            if attempt < MAX_ATTEMPTS:
                visit = _next_visit(here, desk)
        here.wait_for_end(poison)
        for _ in range(GOOD_AFTER):
            here.submit()
        here.sweep_until_home()
        here.settle(most_attempts=1, failing={str(poison): ErrorCode.ATTEMPTS_EXHAUSTED})


def _next_visit(here: Stage, desk: Desk) -> Visit:
    """As in a deployment: its message comes back by itself, or the sweep publishes another."""
    for _ in range(round(READY_SECONDS / SWEEP_EVERY_SECONDS)):
        try:
            return desk.next_visit(SWEEP_EVERY_SECONDS)
        except NotReached:
            sweep_documents(here.project)
    return desk.next_visit(SWEEP_EVERY_SECONDS)
