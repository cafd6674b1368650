"""Proxies between worker and Firestore and Storage that delay, reset, trickle and swallow.

First the writes that matter most, each with its reply lost or with the request arriving after the
lease is long another's; then random faults under a stream of generations.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from random import Random

from shared.crash_points import Action, Arming, CrashPoint
from tests.chaos.act import Act
from tests.chaos.desk import Desk
from tests.chaos.fleet import LEASE_SECONDS, READY_SECONDS, USUAL_LEASE
from tests.chaos.light_worker import STEP_VARIABLE
from tests.chaos.proxy import Fault, Proxy
from tests.chaos.stage import Chaos, Stage, stage

#: The writes whose fate is left open: after which point, and whether Storage's or Firestore's.
AMBIGUOUS = (
    (CrashPoint.RECEIVED, "firestore"),
    (CrashPoint.ENGINE_START, "storage"),
    (CrashPoint.FINISHING, "firestore"),
)
#: Longer than one try of a call (4 s) and shorter than its patience (10 s).
SWALLOWED_SECONDS = 6.0
#: A fault of the random part.
FAULT_SECONDS = (0.5, 3.0)
JOBS_A_ROUND = 2


def acts(random: Random, rounds: int) -> list[Act]:
    seed = random.randrange(10**6)
    lost = [
        Act(
            kind="network",
            name=f"replies of {service} lost after {point}",
            play=partial(lost_reply, point, service),
        )
        for point, service in AMBIGUOUS
    ]
    return [
        *lost,
        Act(kind="network", name="a last write that arrives late", play=late_request),
        Act(
            kind="network",
            name=f"{rounds} random faults of the network, seed {seed}",
            play=partial(random_faults, Random(seed), rounds),
        ),
    ]


class Network:
    """The proxies before one project's services."""

    def __init__(self, proxies: dict[str, Proxy]) -> None:
        self.proxies = proxies
        self.env = {
            "FIRESTORE_EMULATOR_HOST": proxies["firestore"].address,
            "STORAGE_EMULATOR_HOST": f"http://{proxies['storage'].address}",
        }


@contextmanager
def network(here: Stage) -> Iterator[Network]:
    cloud = here.project.cloud
    targets = {
        "firestore": cloud.firestore.address,
        "storage": cloud.storage.removeprefix("http://"),
    }
    with ExitStack() as stack:
        yield Network({name: stack.enter_context(Proxy(at)) for name, at in targets.items()})


def lost_reply(point: CrashPoint, service: str, chaos: Chaos) -> None:
    """The next writes after `point` happen, and the worker does not hear of it."""
    armed = Arming(point=point, passing=1, action=Action.HOLD)
    with (
        Desk() as desk,
        stage(chaos, f"lost replies of {service} after {point}", settings=USUAL_LEASE) as here,
        network(here) as net,
    ):
        worker = here.fleet.start({**net.env, **desk.env(armed)})
        worker.wait_until_ready()
        path = here.submit()
        visit = desk.next_visit(READY_SECONDS)
        with net.proxies[service].faulty(Fault.SWALLOW_REPLIES):
            visit.let_pass()
            chaos.report.fault(f"{service}: {Fault.SWALLOW_REPLIES}")
            time.sleep(SWALLOWED_SECONDS)
        here.wait_for_end(path)
        # Nothing was wrong but the network, and only for a while: no second attempt.
        here.settle(most_attempts=1)


def late_request(chaos: Chaos) -> None:
    """A worker's last write is on its way for longer than its lease; another one finishes."""
    armed = Arming(point=CrashPoint.FINISHING, passing=1, action=Action.HOLD)
    with (
        Desk() as desk,
        stage(chaos, "a last write that arrives late") as here,
        network(here) as net,
    ):
        here.fleet.start({**net.env, **desk.env(armed)}).wait_until_ready()
        path = here.submit()
        visit = desk.next_visit(READY_SECONDS)
        chaos.report.fault(f"firestore: {Fault.HOLD_REQUESTS}")
        with net.proxies["firestore"].faulty(Fault.HOLD_REQUESTS):
            visit.let_pass()
            here.fleet.start().wait_until_ready()
            time.sleep(LEASE_SECONDS)
            here.remind(path)
            here.wait_for_end(path)
        here.settle()


def random_faults(random: Random, rounds: int, chaos: Chaos) -> None:
    """Now this, now that, one service or both, while generations come in."""
    with (
        stage(
            chaos, "random faults of the network", settings={STEP_VARIABLE: "0.1", **USUAL_LEASE}
        ) as here,
        network(here) as net,
    ):
        for _ in range(2):
            here.fleet.start(net.env).wait_until_ready()
        for _ in range(rounds):
            for _ in range(JOBS_A_ROUND):
                here.submit()
            service, fault = random.choice(sorted(net.proxies)), random.choice(list(Fault))
            chaos.report.fault(f"{service}: {fault}")
            with net.proxies[service].faulty(fault):
                time.sleep(random.uniform(*FAULT_SECONDS))
        here.settle()
