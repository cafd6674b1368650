"""`make deploy` and `make destroy` as they are typed."""

import subprocess
from pathlib import Path

import pytest

from tools.deploy import __main__ as command

TYPED = ("--project", "my-project", "--env", "production")


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra/production.tfvars").write_text('project = "my-project"\n')
    monkeypatch.setattr(command, "REPOSITORY", tmp_path)
    monkeypatch.setattr(command, "SCRIPTS", tmp_path / "build/deploy")
    return tmp_path


@pytest.mark.parametrize("what", ["deploy", "destroy"])
def test_a_dry_run_prints_a_script_that_bash_can_read_and_writes_nothing(
    repository: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    assert command.main([what, *TYPED, "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"# make {what} PROJECT=my-project ENV=production\nset -euo pipefail")
    assert not (repository / "build").exists()
    done = subprocess.run(["bash", "-n", "-c", printed], check=False, timeout=60)
    assert done.returncode == 0


def test_what_is_run_is_what_a_dry_run_prints(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command.main(["deploy", *TYPED, "--dry-run"])
    printed = capsys.readouterr().out
    # No tool is found, so that it ends at its first step.
    monkeypatch.setenv("PATH", "/bin/nowhere")
    monkeypatch.setattr(command, "BASH", "/bin/bash")
    assert command.main(["deploy", *TYPED]) == 1
    assert (repository / "build/deploy/deploy-production.sh").read_text() == printed


def test_nothing_ends_without_the_project_s_id_typed_again(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["destroy", *TYPED, "--confirm", "yes"]) == 2
    assert "CONFIRM is 'yes'; it must be 'my-project'" in capsys.readouterr().err
    assert command.main(["destroy", *TYPED, "--confirm", "my-project", "--data", "some"]) == 2
    assert "DATA is 'some'; it must be keep or delete." in capsys.readouterr().err
    assert not (repository / "build").exists()


def test_what_is_typed_wrong_is_said_and_nothing_runs(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["deploy", "--project", "", "--env", "production"]) == 2
    assert "PROJECT is ''" in capsys.readouterr().err
    assert not (repository / "build").exists()
