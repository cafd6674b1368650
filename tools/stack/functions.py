"""Builds the functions' bundle and asks it what it holds, before firebase-tools starts.

Asking ourselves turns a main.py that does not load into an error (firebase-tools only logs it),
spares firebase-tools a Python server of its own (whose fixed port two stacks would share) and tells
which functions must be initialised later.
"""

import re
import subprocess
import sys
from pathlib import Path

from tools.stack.failure import StackError
from tools.stack.names import BUNDLE, REPOSITORY, VIRTUAL_ENVIRONMENT

BUNDLE_TIMEOUT_SECONDS = 120
DISCOVERY_TIMEOUT_SECONDS = 60

#: firebase-tools reads this file in place of asking a server for it.
MANIFEST = "functions.yaml"

DISCOVERY = """\
from firebase_functions.private import serving
functions = serving.get_functions()
open("functions.yaml", "w", encoding="utf-8").write(serving.functions_as_yaml(functions))
print("\\n".join(functions))
"""


def build_bundle(log: Path) -> Path:
    """Runs `python -m tools.bundle` and returns build/trigger; raises StackError if it fails."""
    command = [sys.executable, "-m", "tools.bundle"]
    _run(
        command,
        folder=REPOSITORY,
        log=log,
        timeout=BUNDLE_TIMEOUT_SECONDS,
        failure="The functions' bundle was not built.",
    )
    return BUNDLE


def discover(source: Path, environment: dict[str, str], log: Path) -> list[str]:
    """Imports main.py of `source`, writes its manifest there and returns the functions' names."""
    python = VIRTUAL_ENVIRONMENT / "bin" / "python"
    printed = _run(
        [str(python), "-c", DISCOVERY],
        folder=source,
        log=log,
        timeout=DISCOVERY_TIMEOUT_SECONDS,
        failure="The functions' main.py does not load.",
        environment=environment,
    )
    names = [line for line in printed.splitlines() if re.fullmatch(r"[\w.]+", line)]
    if not names:
        raise StackError("The functions' main.py defines no function.", log)
    return names


def _run(
    command: list[str],
    *,
    folder: Path,
    log: Path,
    timeout: float,
    failure: str,
    environment: dict[str, str] | None = None,
) -> str:
    with log.open("ab") as errors:
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                timeout=timeout,
                check=True,
                text=True,
            )
        except subprocess.TimeoutExpired as late:
            raise StackError(f"{failure} It took more than {timeout:g} s.", log) from late
        except subprocess.CalledProcessError as failed:
            raise StackError(failure, log) from failed
    return done.stdout
