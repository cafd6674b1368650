"""Brings a stack up and takes it down again, whole or in whatever state a failure left it.

A token is recorded before anything starts; `take_down` ends whatever carries that token, so a start
that failed half-way, or whose `up` was killed, is cleaned by the same code.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.stack.claim import claimed, undisturbed
from tools.stack.names import DEFAULT_STATE_DIR, REPOSITORY, summary_path
from tools.stack.processes import ProcessIdentity, ask_to_end, kill_marked
from tools.stack.starter import Progress, Starter
from tools.stack.summary import Stack
from tools.stack.worker import TERMINATION_GRACE_SECONDS
from tools.stack.workspace import Workspace


def silent(_line: str) -> None:
    """Says nothing."""


@contextmanager
def running_stack(
    state_dir: Path = DEFAULT_STATE_DIR,
    *,
    worker: bool = True,
    sweep: bool = False,
    web: bool = False,
    functions_source: Path | None = None,
    rules_source: Path = REPOSITORY,
    progress: Progress = silent,
) -> Iterator[Stack]:
    """A stack for the length of a `with` block, down again however the block ends.

    With `sweep`, the scheduled function runs every minute, for documents of everybody; with `web`,
    the web app is served.
    """
    with claimed(state_dir):
        take_down(state_dir)  # what an earlier run left
        starter = Starter(state_dir, progress)
        try:
            yield starter.start(
                worker=worker,
                sweep=sweep,
                web=web,
                functions_source=functions_source,
                rules_source=rules_source,
            )
        finally:
            with undisturbed():
                take_down(state_dir)
                starter.reap()


def bring_up(
    state_dir: Path = DEFAULT_STATE_DIR,
    *,
    worker: bool = True,
    sweep: bool = True,
    web: bool = False,
    functions_source: Path | None = None,
    rules_source: Path = REPOSITORY,
    progress: Progress = silent,
) -> Stack:
    """A stack that outlives the caller; an earlier one in the same folder is taken down first.

    Raises StackError, leaving nothing running, if it cannot be started.
    """
    with claimed(state_dir):
        take_down(state_dir)  # what an earlier run left
        starter = Starter(state_dir, progress)
        try:
            return starter.start(
                worker=worker,
                sweep=sweep,
                web=web,
                functions_source=functions_source,
                rules_source=rules_source,
            )
        except BaseException:  # Ctrl-C too: nothing may stay behind
            with undisturbed():
                take_down(state_dir)
                starter.reap()
            raise


def take_down(state_dir: Path = DEFAULT_STATE_DIR) -> int:
    """Ends what `up` started for `state_dir`, however far it got; returns how many processes.

    The worker is asked first, while it can still give its lease back. The emulators keep nothing,
    so they are killed; firebase-tools' own shutdown may kill the Pub/Sub emulators of others.
    """
    workspace = Workspace(state_dir.resolve())
    try:
        record = json.loads(workspace.launch_record.read_text("utf-8"))
    except FileNotFoundError:
        return 0
    processes = {name: ProcessIdentity(**each) for name, each in record["processes"].items()}
    worker = processes.get("worker")
    was_working = worker is not None and worker.find() is not None
    if worker is not None:
        ask_to_end(worker, grace_seconds=TERMINATION_GRACE_SECONDS)
    ended = kill_marked(record["token"], last=processes.get("firebase"))
    summary_path(workspace.state_dir).unlink(missing_ok=True)
    shutil.rmtree(workspace.temporary, ignore_errors=True)
    workspace.launch_record.unlink(missing_ok=True)
    return len(ended) + was_working
