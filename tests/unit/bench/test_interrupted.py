"""A benchmark that is told to go leaves no process behind."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tools.stack.names import REPOSITORY

ENDLESS = "tests.unit.bench.endless"
TIMEOUT_SECONDS = 30.0
#: All benchmarks, of which there is this one.
ALL = f"""
import sys
from pathlib import Path
from bench import __main__ as bench
bench.leave_when_told()
bench.run_all({{"B1": {ENDLESS!r}}}, Path(sys.argv[1]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda it: it.name)
@pytest.mark.parametrize(
    "arguments", [["-m", "bench.reporting", ENDLESS], ["-c", ALL]], ids=["one", "all"]
)
def test_what_it_has_started_ends_with_it_however_often_it_is_told(
    arguments: list[str], number: signal.Signals, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, *arguments, str(tmp_path / "results.json")],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            started = psutil.Process(int(process.stdout.readline()))
            for _ in range(3):
                process.send_signal(number)
            assert process.wait(TIMEOUT_SECONDS) == 128 + number
            psutil.wait_procs([started], TIMEOUT_SECONDS)
            assert not started.is_running()
        finally:
            process.kill()
