"""Compiles the TypeScript client beside the npm packages and runs its tests in Node."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = REPOSITORY / "clients" / "typescript"
NODE_MODULES = REPOSITORY / "build" / "node" / "node_modules"
COMPILE_SECONDS = 60
RUN_SECONDS = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What Node said of one test."""

    passed: bool
    error: str | None


def compile_client(place: Path, more: Mapping[str, str] | None = None) -> Path:
    """A copy of the client in `place`, library and tests compiled; the folder of the outputs.

    `more`: sources to be compiled beside the tests, by name. Raises `AssertionError` with what the
    compiler said.
    """
    place.mkdir(parents=True, exist_ok=True)
    (place / "node_modules").symlink_to(NODE_MODULES)
    copy = shutil.copytree(SOURCES, place / "client")
    for name, text in (more or {}).items():
        (copy / "test" / name).write_text(text)
    for project in (copy, copy / "test"):
        compiled = subprocess.run(
            [NODE_MODULES / ".bin" / "tsc", "--project", project],
            check=False,
            capture_output=True,
            text=True,
            timeout=COMPILE_SECONDS,
        )
        assert compiled.returncode == 0, compiled.stdout + compiled.stderr
    return copy


def names_of_tests(name: str) -> list[str]:
    """The names of the tests in a file of the client's."""
    names = re.findall(r'^test\("([^"]+)"', (SOURCES / "test" / name).read_text(), re.MULTILINE)
    assert names, name
    return names


def run_tests(client: Path, name: str, environment: Mapping[str, str]) -> dict[str, Told]:
    """Run one file of tests; what was said of each by its name."""
    command = [
        "node",
        f"--test-reporter={SOURCES / 'test' / 'reporter.mjs'}",
        str(client / "out" / "test" / name.replace(".ts", ".js")),
    ]
    ended = subprocess.run(
        command,
        check=False,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    told = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith('{"name":')]
    assert told, ended.stdout + ended.stderr
    return {it["name"]: Told(passed=it["passed"], error=it.get("error")) for it in told}
