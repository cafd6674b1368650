"""SIGTERM to workers that are at work: each leaves in time and gives its generation back."""

from functools import partial

from tests.chaos.act import Act
from tests.chaos.light_worker import STEP_VARIABLE
from tests.chaos.stage import Chaos, stage

WORKERS = 2
#: Under way when the signal comes, whichever step it is at.
STEPS = 40
STEP_SECONDS = "0.1"
#: The emulator hands a message out again ten seconds after it was given back.
ROUND_SECONDS = 18.0


def acts(rounds: int) -> list[Act]:
    return [
        Act(
            kind="departure",
            name=f"{rounds} × SIGTERM at work",
            play=partial(play, rounds),
            seconds=rounds * ROUND_SECONDS,
        )
    ]


def play(rounds: int, chaos: Chaos) -> None:
    """The generation outlives them all: what is given back on purpose is no failed attempt."""
    with stage(chaos, "departures", settings={STEP_VARIABLE: STEP_SECONDS}) as here:
        here.fleet.start()
        for _ in range(rounds):
            worker = here.fleet.living()[-1]
            worker.wait_until_ready()
            path = here.submit(num_inference_steps=STEPS)
            here.wait_for_claim(path)
            chaos.report.fault("SIGTERM at work")
            chaos.report.left([worker.terminate()])
            here.wait_for_end(path)
        here.settle()
