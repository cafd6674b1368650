"""`python -m tests.fuzz`: ten thousand malformed requests, a thousand malformed documents.

On emulators of its own, with one real worker and its engine, whose processes must be the same at
the end. Writes RESULT, of which `bench.walls` makes the docs' figures. Exit code 1 with the reason
when one was not refused as it must be.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.paths import GenerationPath
from shared.status import Status
from tests.chaos.emulators import Cloud, running_cloud
from tests.chaos.fleet import REAL, Fleet
from tests.chaos.project import Project
from tests.fuzz.arrival import (
    UID,
    Database,
    by_end,
    draw_documents,
    publishable,
    refused_at_arrival,
)
from tests.fuzz.parsing import parse_malformed
from tests.rules.firestore_rest import Firestore
from tools.stack.names import BUILD
from tools.stack.waiting import wait_until

RESULT = BUILD / "walls" / "malformed.json"
REQUESTS = 10_000
DOCUMENTS = 1_000
#: A hundred documents a second on idle cores.
WORK_SECONDS = 900.0
REQUEST_TIMEOUT_SECONDS = 60


def main() -> int:
    arguments = _parse()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    # The quiet that Google's clients need where there is no cloud.
    os.environ.update(METADATA_SERVER_DETECTION="none", NO_GCE_CHECK="true")
    parsed = parse_malformed(arguments.requests)
    print(f"parser: {dict(parsed)}", flush=True)
    figures: dict[str, Any] = {"requests": dict(parsed)}
    _keep(figures)
    with tempfile.TemporaryDirectory() as folder, running_cloud(Path(folder)) as cloud:
        figures |= _arrive(cloud, Path(folder), arguments.documents)
    _keep(figures)
    return 0


def _keep(figures: dict[str, Any]) -> None:
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=1))


def _arrive(cloud: Cloud, folder: Path, count: int) -> dict[str, int]:
    project = Project(cloud, "demo-fuzz")
    drawn = draw_documents(count)
    with httpx.Client(timeout=REQUEST_TIMEOUT_SECONDS) as http:
        rest = Firestore(http, cloud.firestore.address, project.name, None)
        database = Database(rest=rest, store=project.documents, publisher=project.publisher)
        refused = refused_at_arrival(database, drawn)
        print(f"function: {refused} of {count} refused", flush=True)
        paths = [path for it in publishable(drawn) if (path := database.write(it)) is not None]
        with Fleet(project, folder, module=REAL, settings={}) as fleet:
            _work(fleet, project, paths)
            fleet.dismiss()
        failed, good = by_end(database, paths)
    print(f"worker: {failed} of {len(paths)} failed for their input, {good} were good by chance")
    project.close()
    return {
        "documents": len(drawn),
        "refused by the function": refused,
        "failed by the worker": failed,
        "good by chance": good,
    }


def _work(fleet: Fleet, project: Project, paths: list[GenerationPath]) -> None:
    """Have one worker take all of them; neither it nor its engine may be replaced meanwhile."""
    worker = fleet.start()
    worker.wait_until_ready()
    before = {worker.pid, worker.engine().pid}
    project.publish(paths)
    generations = project.database.collection(f"users/{UID}/generations")
    running = [Status.QUEUED.value, Status.PROCESSING.value]
    # Without their fields, some of which no client can decode.
    unfinished = generations.where(filter=FieldFilter("status", "in", running)).select([])

    def all_ended() -> bool:
        return not unfinished.limit(1).get()

    def assert_the_same() -> None:
        if {it.pid for it in fleet.workers} | {worker.engine().pid} != before:
            raise ChildProcessError(f"a process was replaced: {worker.tail()}")

    deadline = time.monotonic() + WORK_SECONDS
    if not wait_until(all_ended, deadline=deadline, check=assert_the_same):
        raise TimeoutError(f"not all ended within {WORK_SECONDS:g} s: {worker.tail()}")
    assert_the_same()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
