"""Two runs at once: what they say, how they end, and that a signal reaches both in time."""

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools.bundle import REPOSITORY
from tools.side_by_side import RUNS, run_side_by_side

TIMEOUT_SECONDS = 60.0
#: Goes on when the other has come as far: neither could end if one waited for the other's end.
MEETING = """
import os, sys
mine, other = sys.argv[1:]
os.mkfifo(mine)
print("hello", flush=True)
if mine < other:
    open(mine, "w").close()
else:
    while not os.path.exists(other):
        pass
    open(other).close()
"""


def python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


def run(commands: dict[str, list[str]]) -> tuple[dict[str, int], list[str]]:
    lines: list[str] = []
    return run_side_by_side(commands, lines.append, dict(os.environ)), lines


def test_both_run_at_the_same_time(tmp_path: Path) -> None:
    one, other = tmp_path / "1", tmp_path / "2"
    codes, lines = run({"one": python(MEETING, one, other), "other": python(MEETING, other, one)})
    assert codes == {"one": 0, "other": 0}
    assert sorted(lines) == ["  one | hello\n", "other | hello\n"]


def test_a_failure_of_either_is_told_and_the_other_goes_on_to_its_end() -> None:
    bad = python("import sys; print('bad', file=sys.stderr); sys.exit(3)")
    codes, lines = run({"bad": bad, "good": python("print('good')")})
    assert codes == {"bad": 3, "good": 0}
    assert sorted(lines) == [" bad | bad\n", "good | good\n"]


#: Two runs that would go on for ever, and say when they were told to end.
ENDLESS = """
import os, sys
from tools.side_by_side import run_side_by_side
code = '''
import signal
def leave(number, frame):
    print("told", flush=True)
    raise SystemExit(5)
signal.signal(signal.SIGTERM, leave)
print("here", flush=True)
while True:
    signal.pause()
'''
command = [sys.executable, "-c", code]
write = lambda line: print(line, end="", flush=True)
print(run_side_by_side({"a": command, "b": command}, write, dict(os.environ)))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_both_once_and_is_waited_for(number: signal.Signals) -> None:
    with subprocess.Popen(
        python(ENDLESS), cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert sorted(running.stdout.readline() for _ in range(2)) == ["a | here\n", "b | here\n"]
        for _ in range(2):
            running.send_signal(number)
        said, _ = running.communicate(timeout=TIMEOUT_SECONDS)
    assert sorted(said.splitlines()) == ["a | told", "b | told", "{'a': 5, 'b': 5}"]
    assert running.returncode == 0


def test_together_they_run_what_pytest_alone_would() -> None:
    options = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]
    ((one,), (everything, *ignored)) = RUNS.values()
    assert [everything] == options["ini_options"]["testpaths"]
    assert ignored == [f"--ignore={one}"]
    assert (REPOSITORY / one).is_dir()


def test_a_unit_test_that_asks_for_a_stack_is_refused_one(request: pytest.FixtureRequest) -> None:
    with pytest.raises(pytest.fail.Exception, match="belongs elsewhere"):
        request.getfixturevalue("publisher_client")
