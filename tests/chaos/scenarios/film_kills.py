"""A worker is killed in the middle of a film, and between its files: another one makes it whole.

With the embedded film model, so that frames, encoder and three files of a film are on the way.
"""

import time
from functools import partial
from random import Random

from shared.crash_points import Action, Arming, CrashPoint
from tests.chaos.act import Act
from tests.chaos.desk import Desk
from tests.chaos.fleet import GIVE_UP_SECONDS, READY_SECONDS, REAL
from tests.chaos.stage import Chaos, stage

SETTINGS = {"EMBERFRAME_IMAGE_MODEL": "none", "EMBERFRAME_FILM_MODEL": "shapes-film"}
#: The least that a request may ask for.
REQUEST = {
    "task_type": "text2video",
    "prompt": "a red circle moving right on a blue background",
    "num_frames": 17,
}


def acts(random: Random) -> list[Act]:
    """Which report of progress is drawn (five of the steps, more of the frames), and which file
    (film, poster or thumbnail; they arrive in any order)."""
    cells = [
        Arming(point=point, passing=random.randint(*passings), action=Action.SIGKILL)
        for point, passings in ((CrashPoint.STEP, (2, 8)), (CrashPoint.UPLOADED, (1, 3)))
    ]
    return [Act(kind="film", name=f"film {cell}", play=partial(play, cell)) for cell in cells]


def play(cell: Arming, chaos: Chaos) -> None:
    with Desk() as desk, stage(chaos, f"film {cell}", module=REAL, settings=SETTINGS) as here:
        worker = here.fleet.start(desk.env(cell))
        worker.wait_until_ready()
        path = here.submit(**REQUEST)
        visit = desk.next_visit(READY_SECONDS)
        chaos.report.fault(f"film {cell.action} at {cell.point}")
        began = time.monotonic()
        visit.proceed()
        worker.process.wait(GIVE_UP_SECONDS)
        here.wait_for_end(path)
        chaos.report.recovered(time.monotonic() - began)
        here.settle()
