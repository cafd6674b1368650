"""`python -m tests.chaos`: break everything, and show that nothing is lost and nothing done twice.

Prints the seed and the schedule first; the same seed plays the same. Several acts play at once,
each in a project of its own; none is begun that would not be over in time. Exit code 1 if a promise
was broken or an act could not be played.
"""

import argparse
import logging
import os
import secrets
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.act import Act, NotHere
from tests.chaos.emulators import running_cloud
from tests.chaos.fleet import BROKEN_OFF
from tests.chaos.report import Report
from tests.chaos.schedule import SEEDS, rounds, schedule
from tests.chaos.stage import Chaos
from tools.stack.names import BUILD, TOKEN_VARIABLE
from tools.stack.processes import kill_marked

SHORT_MINUTES = 5.0
LONG_MINUTES = 30.0
#: Acts wait for leases and deadlines most of the time; the long mode's have more to do.
ACTS_A_CORE, LONG_ACTS_A_CORE = 6, 4
RESULT = BUILD / "chaos" / "figures.json"
LOGS = BUILD / "chaos"


def main() -> int:
    arguments = _parse()
    seed = arguments.seed if arguments.seed is not None else secrets.randbelow(SEEDS)
    planned, acts = schedule(seed, long=arguments.long), rounds(seed, long=arguments.long)
    if arguments.only:
        # Once each: whoever names acts wants to see them, and no half an hour of them.
        planned = _named(arguments.only, planned)
        acts = iter(planned)
    again = f"python -m tests.chaos --seed {seed}{' --long' if arguments.long else ''}"
    print(f"seed {seed}; to play the same again: {again}")
    for number, act in enumerate(planned, 1):
        print(f"{number:4} {act.name}")
    minutes = arguments.minutes or (LONG_MINUTES if arguments.long else SHORT_MINUTES)
    # The quiet that Google's clients need where there is no cloud.
    os.environ.update(METADATA_SERVER_DETECTION="none", NO_GCE_CHECK="true")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    report = Report(seed=seed)
    logs = LOGS / f"seed-{seed}"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    _log_clients(logs / "harness.log")
    # Every process that the run starts carries it, and so do theirs.
    os.environ[TOKEN_VARIABLE] = token = secrets.token_hex(16)
    try:
        at_once = LONG_ACTS_A_CORE if arguments.long else ACTS_A_CORE
        ends = time.monotonic() + minutes * 60
        play_all(acts, logs, report, deadline=ends, at_once=at_once * (os.cpu_count() or 1))
    except KeyboardInterrupt:
        BROKEN_OFF.set()
        kill_marked(token)
        print("Interrupted; nothing was left running.", file=sys.stderr, flush=True)
        # The acts' threads wait for what will not come any more.
        os._exit(130)
    kill_marked(token)
    report.write(arguments.result)
    print(f"\n{report.in_words()}\nAll figures: {arguments.result}; logs: {logs}")
    return 0 if report.clean else 1


def _named(words: list[str], acts: list[Act]) -> list[Act]:
    return [act for act in acts if any(each in act.name for each in words)]


def play_all(
    acts: Iterator[Act], folder: Path, report: Report, *, deadline: float, at_once: int
) -> None:
    with running_cloud(folder) as cloud:
        chaos = Chaos(cloud=cloud, folder=folder, report=report)
        drawing = threading.Lock()

        def work() -> None:
            while True:
                with drawing:
                    act = next(acts, None)
                if act is None or (act.again and not _has_time(act, deadline)):
                    return
                play(act, chaos, deadline)

        # Daemons: an interruption does not wait for them.
        players = [threading.Thread(target=work, daemon=True) for _ in range(at_once)]
        for player in players:
            player.start()
        for player in players:
            player.join()


def _has_time(act: Act, deadline: float) -> bool:
    return time.monotonic() <= deadline - act.seconds


def play(act: Act, chaos: Chaos, deadline: float) -> None:
    began = time.monotonic()
    if not _has_time(act, deadline):
        chaos.report.left_out(f"{act.name}: no time was left")
        return
    try:
        act.play(chaos)
    except NotHere as why:
        chaos.report.left_out(f"{act.name}: {why}")
    except Exception:  # noqa: BLE001 (reported; the other acts go on)
        chaos.report.failed(act.name, traceback.format_exc())
    seconds = time.monotonic() - began
    chaos.report.played(act.name, seconds)
    print(f"{seconds:6.1f} s  {act.name}", flush=True)


def _log_clients(file: Path) -> None:
    """What Google's clients in this process say, of streams that break above all."""
    handler = logging.FileHandler(file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    # By name: importing google.api_core takes the logger `google` out of the tree.
    for name in ("google.api_core.bidi", "google.cloud.firestore_v1.watch"):
        logging.getLogger(name).setLevel(logging.INFO)
        logging.getLogger(name).addHandler(handler)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="of an earlier run, to have it again")
    parser.add_argument("--minutes", type=float, help="no act begins that would not end by then")
    parser.add_argument("--long", action="store_true", help="more of everything")
    parser.add_argument("--only", action="append", help="acts whose names have these words in them")
    parser.add_argument("--result", type=Path, default=RESULT, help="where the figures go, as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
