"""`python -m tools.side_by_side`: all tests as two pytest runs at once, for a machine of two cores.

One has the unit tests, half the time of all and most of that the engine's; the other has the rest,
and every local stack: tests there share one, and ask which stacks the machine runs. What they say
is printed line by line, as it comes, under their names. A signal ends both through their fixtures.
Fails if either does.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from threading import Lock, Thread

UNIT = "tests/unit"
RUNS: Mapping[str, Sequence[str]] = {"unit": (UNIT,), "rest": ("tests", f"--ignore={UNIT}")}
#: A name, its frame, and a margin for a terminal's last column.
PREFIX_COLUMNS = max(map(len, RUNS)) + 4

#: For what a run says last. Something that it left behind may hold its output open for longer.
LAST_WORDS_SECONDS = 5.0

Write = Callable[[str], None]


def main() -> int:
    columns = shutil.get_terminal_size().columns - PREFIX_COLUMNS
    commands = {name: _pytest(name, arguments) for name, arguments in RUNS.items()}
    environment = {**os.environ, "COLUMNS": str(columns)}
    return 1 if any(run_side_by_side(commands, _print, environment).values()) else 0


def run_side_by_side(
    commands: Mapping[str, Sequence[str]], write: Write, environment: Mapping[str, str]
) -> dict[str, int]:
    """Run all commands to their ends; their exit codes by name. Call it in the main thread.

    `write` gets each line of their output and errors as it is complete, "name | " before it.
    SIGINT, SIGTERM and SIGHUP reach each of them as one SIGTERM.
    """
    running: dict[str, subprocess.Popen[str]] = {}
    told: list[int] = []

    def end_all(number: int, _: object) -> None:
        told.append(number)
        if len(told) == 1:  # more would interrupt the clean-up that the first began
            for process in running.values():
                process.terminate()

    before = {
        number: signal.signal(number, end_all)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        for name, command in commands.items():
            # In a group of its own: a terminal's Ctrl-C comes once, through `end_all`.
            running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                encoding="utf-8",
                errors="replace",
                process_group=0,
            )
            if told:  # perhaps before it was there to be told
                running[name].terminate()
        one_at_a_time = Lock()
        width = max(map(len, running))
        readers = [
            Thread(
                target=_relay,
                args=(process, f"{name:>{width}} | ", write, one_at_a_time),
                daemon=True,
            )
            for name, process in running.items()
        ]
        for reader in readers:
            reader.start()
        codes = {name: process.wait() for name, process in running.items()}
        for reader in readers:
            reader.join(LAST_WORDS_SECONDS)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return codes


def _relay(
    process: "subprocess.Popen[str]", prefix: str, write: Write, one_at_a_time: Lock
) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            with one_at_a_time:
                write(prefix + line)


def _pytest(name: str, arguments: Sequence[str]) -> list[str]:
    """Each run has a cache of its own, so that neither forgets the other's failures."""
    colour = "yes" if sys.stdout.isatty() else "auto"
    cache = f"cache_dir=.pytest_cache/{name}"
    return [sys.executable, "-m", "pytest", f"--color={colour}", "-o", cache, *arguments]


def _print(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
