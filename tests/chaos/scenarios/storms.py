"""Everything at once: for a minute, every second or so, something else breaks at a random moment.

Workers are killed, told to go and stopped, the network misbehaves, emulators stand still, messages
are repeated, people change their minds, sweeps run beside each other. Then the weather clears.
"""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random

from shared.ports import Unavailable
from shared.status import Status
from tests.chaos.act import Act
from tests.chaos.emulators import Cloud, running_cloud
from tests.chaos.fleet import LEASE_SECONDS
from tests.chaos.light_worker import STEP_VARIABLE
from tests.chaos.proxy import Fault
from tests.chaos.scenarios.bad_network import Network, network
from tests.chaos.stage import Chaos, Stage, stage
from tests.chaos.sweeping import sweep_documents

WORKERS = 3
STEP_SECONDS = "0.1"
#: Between two gusts.
CALM_SECONDS = (0.3, 1.5)
#: How long somebody stands still: up to well past a lease.
STILL_SECONDS = (1.0, 1.8 * LEASE_SECONDS)
PAUSE_SECONDS = (1.0, 8.0)
FAULT_SECONDS = (0.5, 4.0)
#: What is broken too often ends as `failed` after its attempts, and some is cancelled.
ENDS = frozenset({Status.COMPLETED, Status.CANCELLED, Status.FAILED})

Gust = Callable[["Storm"], None]


def acts(random: Random, count: int, seconds: float) -> list[Act]:
    seeds = [random.randrange(10**6) for _ in range(count)]
    return [
        Act(
            kind="storm",
            name=f"storm of {seconds:g} s, seed {seed}",
            play=partial(play, seed, seconds),
        )
        for seed in seeds
    ]


def play(seed: int, seconds: float, chaos: Chaos) -> None:
    with (
        running_cloud(chaos.new_folder()) as cloud,
        stage(chaos, f"storm {seed}", cloud=cloud, settings={STEP_VARIABLE: STEP_SECONDS}) as here,
        network(here) as net,
    ):
        for worker in [here.fleet.start(net.env) for _ in range(WORKERS)]:
            worker.wait_until_ready()
        storm = Storm(here, net, cloud, Random(seed))
        storm.blow(seconds)
        here.sweep_until_home()
        here.settle(ends=ENDS)


class Storm:
    def __init__(self, here: Stage, net: Network, cloud: Cloud, random: Random) -> None:
        self._here = here
        self._net = net
        self._cloud = cloud
        self._random = random
        #: What ends by itself after a while, and is waited for.
        self._lasting: list[threading.Thread] = []

    def blow(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        gusts: list[tuple[str, Gust]] = [
            ("SIGKILL", Storm._kill),
            ("SIGTERM", Storm._terminate),
            ("SIGSTOP", Storm._stop),
            ("network", Storm._disturb),
            ("pause", Storm._pause),
            ("repeated message", Storm._repeat),
            ("cancellation", Storm._cancel),
            ("sweep", Storm._sweep),
        ]
        try:
            while time.monotonic() < ends:
                self._last(self._here.try_to_submit)
                name, gust = self._random.choice(gusts)
                self._here.chaos.report.fault(f"storm: {name}")
                gust(self)
                time.sleep(self._random.uniform(*CALM_SECONDS))
        finally:
            for thread in self._lasting:
                thread.join()

    def _last(self, work: Callable[[], object]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._lasting.append(thread)
        thread.start()

    def _signal(self, number: signal.Signals) -> None:
        living = self._here.fleet.living()
        if living:
            self._random.choice(living).process.send_signal(number)

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def _stop(self) -> None:
        living = self._here.fleet.living()
        seconds = self._random.uniform(*STILL_SECONDS)
        if not living:
            return
        process = self._random.choice(living).process

        def stand_still() -> None:
            process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            process.send_signal(signal.SIGCONT)

        self._last(stand_still)

    def _disturb(self) -> None:
        proxy = self._net.proxies[self._random.choice(sorted(self._net.proxies))]
        fault = self._random.choice(list(Fault))
        with proxy.faulty(fault):
            time.sleep(self._random.uniform(*FAULT_SECONDS))

    def _pause(self) -> None:
        emulator = self._random.choice([self._cloud.firestore, self._cloud.pubsub])
        seconds = self._random.uniform(*PAUSE_SECONDS)
        with emulator.paused():
            time.sleep(seconds)

    def _repeat(self) -> None:
        path = self._random.choice(self._here.paths or [self._here.project.new_path()])
        self._last(partial(self._here.project.publish, [path]))

    def _cancel(self) -> None:
        paths = list(self._here.paths)
        if paths:
            self._last(partial(self._here.project.cancel, self._random.choice(paths)))

    def _sweep(self) -> None:
        def run() -> None:
            with suppress(Unavailable):
                sweep_documents(self._here.project)

        self._last(run)
        self._last(run)
