"""A worker's wall clock that jumps by two hours; and an engine that holds the GIL for 35 s.

The clock is libfaketime's, preloaded into the worker: every library in the process believes it.
"""

import time
from datetime import timedelta
from functools import partial
from pathlib import Path

from shared.crash_points import Action, Arming, CrashPoint
from tests.chaos.act import Act, NotHere
from tests.chaos.desk import Desk
from tests.chaos.fleet import LEASE_SECONDS, READY_SECONDS, REAL, USUAL_LEASE
from tests.chaos.light_worker import CLOCK_VARIABLE, STEP_VARIABLE
from tests.chaos.stage import Chaos, stage

#: Debian's and Ubuntu's, for threads; `apt-get install libfaketime`.
LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/local/lib/faketime/libfaketimeMT.so.1")
HOURS = (2, -2)
JOBS_AFTER = 3
#: Of a job that is under way while the clock jumps, and needs several heartbeats after that.
LONG_JOB_STEPS = 40
#: On a busy machine the shortest lease is lost without any help.
SETTINGS = {STEP_VARIABLE: "0.5", "EMBERFRAME_SLOTS": "2", **USUAL_LEASE}


def find_library() -> Path:
    """Raises `NotHere`."""
    for pattern in LIBRARIES:
        for found in sorted(Path("/").glob(pattern.removeprefix("/"))):
            return found
    raise NotHere("libfaketime is not on this machine; `apt-get install libfaketime` brings it")


def acts() -> list[Act]:
    return [
        *(
            Act(kind="clock", name=f"wall clock stepped by {hours:+d} h", play=partial(jump, hours))
            for hours in HOURS
        ),
        Act(kind="clock", name="GIL held in the engine", play=held_interpreter),
    ]


def jump(hours: int, chaos: Chaos) -> None:
    """Two workers' clock jumps in the middle of a job; then there is more to do."""
    with stage(chaos, f"wall clock {hours:+d} h", settings=SETTINGS) as here:
        offset = chaos.new_folder() / "offset"
        _set(offset, timedelta(0))
        fake = {
            "LD_PRELOAD": str(find_library()),
            CLOCK_VARIABLE: str(offset),
            # Looked at again each time, so that the clock can jump; durations stay true.
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        for worker in [here.fleet.start(fake) for _ in range(2)]:
            worker.wait_until_ready()
        under_way = here.submit(num_inference_steps=LONG_JOB_STEPS)
        here.wait_for_claim(under_way)
        chaos.report.fault(f"wall clock stepped by {hours:+d} h")
        _set(offset, timedelta(hours=hours))
        for _ in range(JOBS_AFTER):
            here.submit(num_inference_steps=1)
        here.wait_for_end(under_way)
        here.wait_for_end(here.submit(num_inference_steps=1))
        # No lease was lost and none stolen by it.
        here.settle(most_attempts=1)


def _set(file: Path, offset: timedelta) -> None:
    fresh = file.with_suffix(".tmp")
    fresh.write_text(f"{offset.total_seconds():+.0f}\n")
    fresh.replace(file)


def held_interpreter(chaos: Chaos) -> None:
    """Nothing in the engine's process runs for more than three leases; its supervisor does."""
    armed = Arming(point=CrashPoint.IN_ENGINE_STEP, passing=3, action=Action.HOLD_GIL)
    with Desk() as desk, stage(chaos, "GIL held", module=REAL) as here:
        here.fleet.start(desk.env(armed)).wait_until_ready()
        path = here.submit()
        visit = desk.next_visit(READY_SECONDS)
        chaos.report.fault("GIL held for 35 s")
        visit.proceed()
        # While it lasts, another worker must not find the lease lapsed.
        here.fleet.start().wait_until_ready()
        time.sleep(LEASE_SECONDS)
        here.wait_for_end(path)
        here.settle()
