"""`--test_input`: one job without an endpoint, a project or credentials, by the real engine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpu_worker.__main__ import main
from tools.stack.names import REPOSITORY

PATIENCE_SECONDS = 110.0
FOREIGN = ("EMBERFRAME_", "RUNPOD_", "GOOGLE_", "FIRESTORE_", "PUBSUB_", "STORAGE_")
GIVEN = {"prompt": "a red circle", "seed": 42, "num_inference_steps": 1, "width": 64, "height": 64}


def test_a_test_job_is_made_and_shown_without_a_project(tmp_path: Path) -> None:
    job = json.dumps({"input": {**GIVEN, "refiner_inference_steps": 0}})
    ran = subprocess.run(
        [sys.executable, "-m", "gpu_worker", "runpod", "--test_input", job],
        cwd=REPOSITORY,
        env={
            **{name: it for name, it in os.environ.items() if not name.startswith(FOREIGN)},
            "HOME": str(tmp_path),
            "EMBERFRAME_IMAGE_MODEL": "shapes",
            # The original worker's switch.
            "DOWNLOAD_WAN2_MODEL": "false",
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Job local_test completed successfully." in ran.stdout
    assert "'image_url': 'data:image/png;base64," in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr
    assert "a red circle" not in ran.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--test_input", "{"], "it is not JSON"),
        (["--test_input", "[]"], 'it must be an object of the form {"input": {…}}'),
        (["--test_input", "{}"], 'it must be an object of the form {"input": {…}}'),
        (["--rp_log_level", "DEBUG"], "invalid choice: 'DEBUG'"),
        (["--rp_debugger"], "unrecognized arguments: --rp_debugger"),
    ],
)
def test_options_that_cannot_work_are_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    sentence: str,
) -> None:
    monkeypatch.setattr("sys.argv", ["gpu_worker", "runpod", *options])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err
