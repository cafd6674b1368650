"""`python -m tools.lock`: makes requirements/*.lock and the npm lock file anew, without addresses.

The Python locks hold for every platform and carry the hash of every file. torch is kept out: its
CPU and CUDA builds share one version and differ in their files. The image's own locks, in
tools/container, are for its one platform and hold torch's build for CUDA.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
REQUIREMENTS = Path("requirements")
NODE = REPOSITORY / "tools" / "node"
CONTAINER = Path("tools/container")
#: The oldest Python that we support; later ones get their own lines where they need them.
PYTHON_VERSION = "3.11"
#: Ubuntu 24.04's, of the image; manylinux 2.28 is what torch asks for.
IMAGE_PYTHON_VERSION = "3.12"
IMAGE_PLATFORM = "x86_64-manylinux_2_28"
TIMEOUT_SECONDS = 600


def main() -> int:
    # Everything first: the two halves then take the same versions as the tests.
    lock_python("dev")
    for half in ("trigger", "worker"):
        lock_python(half, "--constraint", str(REQUIREMENTS / "dev.lock"))
    lock_python("audit")
    lock_peers()
    for part in ("torch", "baking"):
        lock_image(part)
    lock_node()
    return 0


def lock_python(name: str, *more: str) -> None:
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "--quiet"),
        *("--universal", "--python-version", PYTHON_VERSION, "--generate-hashes"),
        *("--no-annotate", "--no-header", "--upgrade"),
        *("--override", str(REQUIREMENTS / "torch-apart.txt"), "--no-emit-package", "torch"),
        *more,
        *("--output-file", str(REQUIREMENTS / f"{name}.lock")),
        str(REQUIREMENTS / f"{name}.in"),
    ]
    subprocess.run(command, check=True, cwd=REPOSITORY, timeout=TIMEOUT_SECONDS)


def lock_peers() -> None:
    """They lie beside the packages of dev.lock, and bring what is missing there only."""
    dev = REQUIREMENTS / "dev.lock"
    there = re.findall(r"^([a-z0-9][a-z0-9._-]*)==", (REPOSITORY / dev).read_text(), re.MULTILINE)
    absent = [option for name in there for option in ("--no-emit-package", name)]
    lock_python("peers", "--constraint", str(dev), *absent)


def lock_image(name: str) -> None:
    """What the image installs besides the worker's lock: its platform is known, and so are the
    files of torch's build for CUDA."""
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "--quiet"),
        *("--python-platform", IMAGE_PLATFORM, "--python-version", IMAGE_PYTHON_VERSION),
        *("--generate-hashes", "--no-annotate", "--no-header", "--upgrade"),
        *("--constraint", str(REQUIREMENTS / "worker.lock")),
        *("--output-file", str(CONTAINER / f"{name}.lock")),
        str(CONTAINER / f"{name}.in"),
    ]
    subprocess.run(command, check=True, cwd=REPOSITORY, timeout=TIMEOUT_SECONDS)


def lock_node() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("package.json", ".npmrc"):
            shutil.copy(NODE / name, scratch)
        subprocess.run(
            ["npm", "install", "--package-lock-only", "--no-audit", "--no-fund"],
            check=True,
            cwd=scratch,
            timeout=TIMEOUT_SECONDS,
        )
        lock = json.loads((Path(scratch) / "package-lock.json").read_text())
    packages = {
        name: package for name, package in lock["packages"].items() if not package.get("extraneous")
    }
    lock["packages"] = packages
    # .npmrc asks for this too, but npm does not do it for every package.
    for package in packages.values():
        package.pop("resolved", None)
    (NODE / "package-lock.json").write_text(json.dumps(lock, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
