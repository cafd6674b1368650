"""Builds clients/web with Vite into a folder named after its sources, and only when they changed.

The sources are copied beside a link to the npm packages, because Node looks for those in the
folders above. Bound: BUILD_SECONDS. `python -m tools.web.build` prints the folder.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENTS = REPOSITORY / "clients"
#: What the app is made of, in `clients/`: its own sources, and what those import.
SOURCES = (Path("web"), Path("typescript/src"), Path("schema"))
LOCK = REPOSITORY / "tools/node/package-lock.json"
NODE_MODULES = REPOSITORY / "build/node/node_modules"
BUILDS = REPOSITORY / "build/web"
#: Two seconds when nothing else runs.
BUILD_SECONDS = 120.0
DIGEST_DIGITS = 16


class BuildFailed(Exception):
    """The app could not be built; says what Vite said."""


def built_app() -> Path:
    """The folder with the app's files, ready to be served. Raises `BuildFailed`."""
    place = BUILDS / digest_of_sources()
    if place.is_dir():
        return place
    BUILDS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="making-", dir=BUILDS) as scratch:
        project = lay_out(Path(scratch))
        run_node(project, "vite/bin/vite.js", "build", "--logLevel", "warn")
        try:
            (project / "dist").rename(place)
        except OSError:  # somebody else was sooner, with the same
            if not place.is_dir():
                raise
    return place


def lay_out(place: Path) -> Path:
    """Copy the sources to `place`; the folder of the app there."""
    for source in SOURCES:
        shutil.copytree(CLIENTS / source, place / source)
    (place / "node_modules").symlink_to(NODE_MODULES)
    return place / SOURCES[0]


def run_node(project: Path, script: str, *arguments: str) -> None:
    """Run a program of the npm packages in `project`. Raises `BuildFailed` with what it said."""
    command = ["node", str(NODE_MODULES / script), *arguments]
    try:
        ended = subprocess.run(
            command,
            check=False,
            cwd=project,
            env={**os.environ, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as failure:
        raise BuildFailed(f"The web app was not built: {failure}") from None
    if ended.returncode != 0:
        raise BuildFailed(f"The web app was not built:\n{ended.stdout}{ended.stderr}")


def digest_of_sources() -> str:
    digest = hashlib.sha256()
    for path in (*_files(), LOCK):
        digest.update(f"{path.relative_to(REPOSITORY)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:DIGEST_DIGITS]


def _files() -> Iterator[Path]:
    for source in SOURCES:
        yield from sorted(path for path in (CLIENTS / source).rglob("*") if path.is_file())


if __name__ == "__main__":
    print(built_app())
