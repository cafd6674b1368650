"""Every message comes twenty times, to four workers: each generation is made once all the same."""

import json
from collections import Counter
from functools import partial
from random import Random

from tests.chaos.act import Act
from tests.chaos.fleet import USUAL_LEASE
from tests.chaos.oracle import Kind, Violation
from tests.chaos.stage import Chaos, stage

WORKERS = 4
#: The function's own message, and so many more.
REPEATS = 19
#: Nothing is to fail here, and on a busy machine the shortest lease does.
SETTINGS = {"EMBERFRAME_SLOTS": "4", **USUAL_LEASE}
#: With one step and a small picture it is the messages that are the work.
REQUEST = {"num_inference_steps": 1, "width": 64, "height": 64}


def acts(random: Random, jobs: int) -> list[Act]:
    order = Random(random.random())
    return [
        Act(
            kind="repeats",
            name=f"{jobs} jobs, each published 20 times",
            play=partial(play, order, jobs),
        )
    ]


def play(order: Random, jobs: int, chaos: Chaos) -> None:
    with stage(chaos, "repeated messages", settings=SETTINGS) as here:
        workers = [here.fleet.start() for _ in range(WORKERS)]
        for worker in workers:
            worker.wait_until_ready()
        paths = [here.submit(**REQUEST) for _ in range(jobs)]
        repeated = paths * REPEATS
        order.shuffle(repeated)
        here.project.publish(repeated)
        chaos.report.fault("repeated message", len(repeated))
        here.settle(most_attempts=1)
        made = Counter(
            line["generation"]
            for worker in workers
            for line in map(json.loads, worker.log.read_text().splitlines())
            if line["message"] == "generated"
        )
    found = [
        Violation(Kind.DUPLICATED, f"{path} was generated {made[str(path)]} times")
        for path in paths
        if made[str(path)] != 1
    ]
    chaos.report.judged("repeated messages", 0, found)
