"""Builds the function's deploy folder, `build/trigger/`: `python -m tools.bundle [--out FOLDER]`.

Firebase uploads one folder only, so it gets main.py, trigger/, a copy of shared/ and the locked
requirements. Built beside the target and swapped in by renaming, so that nobody sees half of one;
an unchanged bundle is left alone, so that a running emulator does not reload it.
"""

import argparse
import filecmp
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
DEFAULT_TARGET = REPOSITORY / "build" / "trigger"
#: Our packages in the bundle.
PACKAGES = ("trigger", "shared")
#: Lies at the bundle's root, where the function host looks for it, and nowhere else.
ENTRY_POINT = Path("trigger/main.py")
#: What others put into the folder and a new build must not throw away: firebase-tools wants the
#: virtual environment there, and reads a deployment's settings from .env files.
FOREIGN = ("venv", ".env*")


def bundle_files() -> dict[Path, Path]:
    """Path in the bundle → the file of the repository that goes there.

    The lock, hashes and all, is the requirements.txt: Cloud Build installs it with plain pip, which
    then checks them, so that what was tested is what gets deployed. It names functions-framework,
    so that the build adds no unpinned one of its own.
    """
    files = {
        Path("main.py"): REPOSITORY / ENTRY_POINT,
        Path("requirements.txt"): REPOSITORY / "requirements" / "trigger.lock",
    }
    for package in PACKAGES:
        for source in sorted((REPOSITORY / package).rglob("*.py")):
            inside = source.relative_to(REPOSITORY)
            if inside != ENTRY_POINT:
                files[inside] = source
    return files


def is_current(target: Path) -> bool:
    """Whether `target` holds exactly the bundle's files with the repository's contents."""
    wanted = bundle_files()
    present = set(_own_files(target))
    return present == set(wanted) and all(
        filecmp.cmp(source, target / inside, shallow=False) for inside, source in wanted.items()
    )


def build(target: Path = DEFAULT_TARGET) -> bool:
    """Make `target` the current bundle. Returns whether anything had to change."""
    if target.is_dir() and is_current(target):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
        new, old = Path(scratch, "new"), Path(scratch, "old")
        for inside, source in bundle_files().items():
            copy = new / inside
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
        if target.exists():
            target.rename(old)
            for foreign in _foreign(old):
                foreign.rename(new / foreign.name)
        new.rename(target)
    return True


def _own_files(target: Path) -> Iterator[Path]:
    foreign = {entry.name for entry in _foreign(target)}
    for file in target.rglob("*"):
        inside = file.relative_to(target)
        # Running the bundle leaves byte code behind; it is not part of it.
        if inside.parts[0] in foreign or "__pycache__" in inside.parts or file.is_dir():
            continue
        yield inside


def _foreign(target: Path) -> list[Path]:
    return [entry for pattern in FOREIGN for entry in target.glob(pattern)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bundle", description=__doc__)
    parser.add_argument("--out", type=Path, default=DEFAULT_TARGET, metavar="FOLDER")
    target = parser.parse_args().out.resolve()
    changed = build(target)
    print(f"{target} {'is built' if changed else 'is current'}: {len(bundle_files())} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
