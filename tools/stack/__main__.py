"""`python -m tools.stack up|down|status`: exit code 0, or 1 and one plain sentence."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from tools.stack.claim import claimed, undisturbed
from tools.stack.failure import StackError
from tools.stack.lifecycle import bring_up, take_down
from tools.stack.names import DEFAULT_STATE_DIR, DEMO_STATE_DIR, REPOSITORY, summary_path
from tools.stack.summary import Stack


def main() -> int:
    arguments = _parse()
    # Both leave as Ctrl-C does, through the code that cleans up.
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        if arguments.command == "up":
            return _up(
                arguments.state,
                worker=arguments.worker,
                sweep=arguments.sweep,
                web=arguments.web,
                functions=arguments.functions,
                rules=arguments.rules,
            )
        if arguments.command == "down":
            return _down(arguments.state)
        return _status(arguments.state)
    except (StackError, ValueError) as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; nothing was left running.", file=sys.stderr)
        return 130


def _up(
    state_dir: Path,
    *,
    worker: bool,
    sweep: bool,
    web: bool,
    functions: Path | None,
    rules: Path,
) -> int:
    running = Stack.read(state_dir)
    if running is not None and running.is_alive() and running.has_worker >= worker:
        where = summary_path(state_dir)
        print(f"The stack is already up, with what was there when it started; see {where}")
        _offer_app(running)
        return 0
    stack = bring_up(
        state_dir,
        worker=worker,
        sweep=sweep,
        web=web,
        functions_source=functions,
        rules_source=rules,
        progress=_say,
    )
    last = max(stack.ready_after_seconds.values())
    print(f"The stack is up after {last:.1f} s; see {summary_path(state_dir)}")
    _offer_app(stack)
    return 0


def _offer_app(stack: Stack) -> None:
    if stack.web is not None:
        print(f"Make pictures and films in a browser: http://{stack.web}/")


def _down(state_dir: Path) -> int:
    with undisturbed():
        count = take_down(state_dir)
        if state_dir == DEFAULT_STATE_DIR:
            count += _down_after_demo()
    print(f"The stack is down; {count} processes ended." if count else "No stack was running.")
    return 0


def _down_after_demo() -> int:
    """What a demo that was killed left behind; one that runs is left alone."""
    try:
        with claimed(DEMO_STATE_DIR):
            return take_down(DEMO_STATE_DIR)
    except StackError:
        return 0


def _status(state_dir: Path) -> int:
    stack = Stack.read(state_dir)
    if stack is None or not stack.is_alive():
        print("No stack is running.")
        return 1
    print(f"{'project':10} {stack.project}\n{'bucket':10} {stack.bucket}")
    for name, address in stack.emulators.items():
        print(f"{name:10} {address}")
    if stack.web is not None:
        print(f"{'web app':10} http://{stack.web}/")
    for name, identity in stack.processes.items():
        print(f"{name:10} pid {identity.pid}, log {stack.log_files[name]}")
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (
        ("up", "start the emulators, a worker and the web app"),
        ("down", "stop what up started, and nothing else"),
        ("status", "show what runs where"),
    ):
        command = commands.add_parser(name, help=purpose)
        command.add_argument(
            "--state", type=Path, default=DEFAULT_STATE_DIR, help="state folder (build/stack)"
        )
        if name == "up":
            command.add_argument("--no-worker", dest="worker", action="store_false")
            command.add_argument(
                "--no-sweep", dest="sweep", action="store_false", help="run no schedule"
            )
            command.add_argument(
                "--no-web", dest="web", action="store_false", help="serve no web app"
            )
            command.add_argument(
                "--functions", type=Path, help="a built bundle to serve (default: build it)"
            )
            command.add_argument(
                "--rules",
                type=Path,
                default=REPOSITORY,
                help="folder of firestore.rules and storage.rules",
            )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
