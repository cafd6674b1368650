"""`python -m gpu_worker once` as a person types it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.unit.engine.jobs import PATIENCE_SECONDS, PROMPT
from tests.unit.engine.judge import look_at


def once(folder: Path, body: Any) -> subprocess.CompletedProcess[str]:
    request = folder / "wish.json"
    request.write_text(body if isinstance(body, str) else json.dumps(body), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "gpu_worker", "once", str(request), "--out", str(folder / "out")],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def test_one_request_gives_pictures_and_the_seeds_result_shape(tmp_path: Path) -> None:
    done = once(tmp_path, {"input": {"prompt": PROMPT, "seed": 7, "num_images": 2, "width": 256}})
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["image_url"] == result["images"][0]
    assert [Path(it).name for it in result["images"]] == ["wish-7.png", "wish-8.png"]
    assert (result["seed"], result["model"], result["native_size"]) == (7, "shapes", [192, 128])
    assert set(result["timings"]) == {"encode", "denoise", "decode"}
    for path in result["images"]:
        picture = Image.open(path)
        assert picture.size == (256, 128)
        seen = look_at(np.asarray(picture))
        assert (seen.colour, seen.background) == ("red", "blue")
    assert "denoise 25/25" in done.stderr
    assert "circle" not in done.stderr
    assert "Warning" not in done.stderr


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"input": {"prompt": PROMPT, "width": 99999}}, "width is 99999; it must be"),
        ({"input": {}}, "prompt is missing"),
        ({"prompt": PROMPT}, "must hold an object of the form"),
        ("{", "is not JSON"),
    ],
)
def test_an_invalid_request_is_answered_with_one_sentence(
    tmp_path: Path, body: Any, sentence: str
) -> None:
    done = once(tmp_path, body)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_request_that_fails_is_answered_with_a_sentence_and_no_file(tmp_path: Path) -> None:
    done = once(tmp_path, {"input": {"prompt": PROMPT, "task_type": "text2video"}})
    assert done.returncode == 1
    assert "task_type is text2video; this worker serves text2img only." in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_a_request_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gpu_worker", "once", "nowhere.json", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "nowhere.json cannot be read: No such file or directory.\n"


def test_ctrl_c_ends_it_quickly_with_nothing_left_behind(tmp_path: Path) -> None:
    request = tmp_path / "wish.json"
    request.write_text(json.dumps({"input": {"prompt": PROMPT, "num_inference_steps": 150}}))
    command = [sys.executable, "-m", "gpu_worker", "once", str(request), "--out", str(tmp_path)]
    # A process group of its own, as a terminal gives: Ctrl-C reaches the engine as well.
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0
    ) as running:
        assert running.stderr is not None
        while running.stderr.readline() != "denoise 1/150\n":
            assert running.poll() is None
        (engine,) = psutil.Process(running.pid).children()
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=PATIENCE_SECONDS)
    assert running.returncode == 130
    assert said.endswith("Interrupted.\n")
    assert "Traceback" not in said
    assert not engine.is_running()
