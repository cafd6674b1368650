"""Firestore or Pub/Sub stand still for 5, 20 and 70 s, or Pub/Sub comes back empty.

Each outage hits a stream of generations: some done, some in hand, some not accepted yet. What the
outage swallowed, the sweep brings home. On emulators of their own, since everybody would notice.
"""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from tests.chaos.act import Act
from tests.chaos.emulators import Emulator, running_cloud
from tests.chaos.light_worker import STEP_VARIABLE
from tests.chaos.stage import Chaos, Stage, stage

#: Before an outage, and while it lasts.
JOBS_BEFORE = 6
JOBS_DURING = 3
STEP_SECONDS = "0.1"

Outage = Callable[[Stage], None]


def acts(pauses: Sequence[float]) -> list[Act]:
    return [
        *(
            Act(
                kind="outage",
                name=f"{service} paused for {seconds:g} s",
                play=partial(play, f"{service} paused", partial(_pause, service, seconds)),
            )
            for seconds in pauses
            for service in ("firestore", "pubsub")
        ),
        Act(
            kind="outage",
            name="pubsub restarted empty",
            play=partial(play, "pubsub restarted empty", _restart),
        ),
    ]


def _pause(service: str, seconds: float, here: Stage) -> None:
    emulator: Emulator = getattr(here.project.cloud, service)
    with emulator.paused():
        # Phones go on writing; what they write, and its acceptance, waits or fails.
        creating = threading.Thread(target=_create_some, args=(here,))
        creating.start()
        time.sleep(seconds)
    creating.join()


def _restart(here: Stage) -> None:
    here.project.cloud.pubsub.restart()
    here.project.make_queues()
    _create_some(here)


def _create_some(here: Stage) -> None:
    for _ in range(JOBS_DURING):
        here.try_to_submit()


def play(fault: str, outage: Outage, chaos: Chaos) -> None:
    with (
        running_cloud(chaos.new_folder()) as cloud,
        stage(chaos, fault, cloud=cloud, settings={STEP_VARIABLE: STEP_SECONDS}) as here,
    ):
        for worker in [here.fleet.start() for _ in range(2)]:
            worker.wait_until_ready()
        for _ in range(JOBS_BEFORE):
            here.submit()
        chaos.report.fault(fault)
        outage(here)
        here.sweep_until_home()
        here.settle()
