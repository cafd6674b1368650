"""The scripts that the image's RUN steps and its HEALTHCHECK call, called here."""

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

CONTAINER = Path(__file__).resolve().parents[3] / "tools/container"
NAME = "emberframe_probe"


def run(
    script: str, *arguments: object, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(CONTAINER / script), *(str(it) for it in arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "PYTHON": sys.executable, **(env or {})},
    )


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one wheel, made here: `make test` asks no package index."""
    folder = tmp_path_factory.mktemp("wheels")
    info = f"{NAME}-1.0.dist-info"
    files = {
        f"{NAME}.py": "ANSWER = 42\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{NAME}-1.0-py3-none-any.whl", "w") as wheel:
        for name, content in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(name, content)
    return folder


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("container") / "venv"


def lock(folder: Path, digest: str) -> Path:
    file = folder / "some.lock"
    file.write_text(f"{NAME}==1.0 \\\n    --hash=sha256:{digest}\n")
    return file


def digest_of(wheels: Path) -> str:
    return hashlib.sha256(next(wheels.glob("*.whl")).read_bytes()).hexdigest()


def test_a_lock_is_installed_into_a_virtual_environment_that_the_script_makes(
    wheels: Path, venv: Path, tmp_path: Path
) -> None:
    locked = lock(tmp_path, digest_of(wheels))
    done = run("install_packages.sh", venv, locked, "--no-index", "--find-links", wheels)
    assert done.returncode == 0, done.stderr
    answer = subprocess.run(
        [str(venv / "bin/python"), "-c", f"import {NAME}; print({NAME}.ANSWER)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert answer.stdout == "42\n"


def test_a_file_of_another_hash_ends_the_build(wheels: Path, venv: Path, tmp_path: Path) -> None:
    locked = lock(tmp_path, "0" * 64)
    done = run(
        "install_packages.sh", venv, locked, "--no-index", "--find-links", wheels,
        "--force-reinstall",
    )  # fmt: skip
    assert done.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr


def test_a_file_without_a_hash_ends_the_build(wheels: Path, venv: Path, tmp_path: Path) -> None:
    file = tmp_path / "some.lock"
    file.write_text(f"{NAME}==1.0\n")
    done = run(
        "install_packages.sh", venv, file, "--no-index", "--find-links", wheels,
        "--force-reinstall",
    )  # fmt: skip
    assert done.returncode != 0
    assert "Hashes are required in --require-hashes mode" in done.stderr


def test_a_lock_has_to_be_named() -> None:
    done = run("install_packages.sh", "/nowhere")
    assert (done.returncode, done.stderr[:27]) == (2, "usage: install_packages.sh ")


@pytest.mark.parametrize("script", sorted(CONTAINER.glob("*.sh")), ids=lambda it: it.name)
def test_every_script_may_be_run_and_is_one_that_sh_understands(script: Path) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run(["sh", "-n", str(script)], check=True)


@pytest.mark.parametrize(
    ("age_seconds", "code", "says"),
    [(0, 0, '{"state": "starting"}'), (29, 0, "starting"), (31, 1, "31 s old"), (None, 1, "no")],
)
def test_the_health_check_tells_a_live_worker_from_one_that_is_stuck(
    tmp_path: Path, age_seconds: int | None, code: int, says: str
) -> None:
    file = tmp_path / "health.json"
    # A clock that stands still: the check asks this `date`.
    clock = tmp_path / "date"
    now = 1_800_000_000
    clock.write_text(f"#!/bin/sh\necho {now}\n")
    clock.chmod(0o755)
    if age_seconds is not None:
        file.write_text('{"state": "starting"}')
        os.utime(file, (now - age_seconds, now - age_seconds))
    done = run(
        "healthcheck.sh",
        env={"EMBERFRAME_HEALTH_FILE": str(file), "PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    assert done.returncode == code
    assert says in done.stdout


def test_the_health_check_needs_to_be_told_the_file() -> None:
    done = run("healthcheck.sh", env={"EMBERFRAME_HEALTH_FILE": ""})
    assert done.returncode != 0
    assert "EMBERFRAME_HEALTH_FILE" in done.stderr
