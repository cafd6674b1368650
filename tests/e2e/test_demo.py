"""`make demo` as a newcomer types it: what it prints, what it saves, and that it leaves nothing."""

import json
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from tools.stack import Stack
from tools.stack.names import DEMO_STATE_DIR, REPOSITORY, TOKEN_VARIABLE

TIMEOUT_SECONDS = 110


def make_demo(**variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["make", "-s", "demo", *(f"{name}={value}" for name, value in variables.items())],
        cwd=REPOSITORY,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def processes_of_stacks() -> set[int]:
    """Every process of any local stack, also of those that other tests run."""
    found = set()
    for process in psutil.process_iter():
        try:
            if TOKEN_VARIABLE in process.environ():
                found.add(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_the_demo_shows_progress_saves_the_picture_and_leaves_nothing_running() -> None:
    before = processes_of_stacks()

    demo = make_demo(PROMPT="a red circle on a blue background", INPUT='{"seed": 3}')

    assert demo.returncode == 0, demo.stderr
    assert re.search(r"processing +\d+% (encode|denoise|decode)", demo.stdout)
    assert "completed" in demo.stdout
    saved = re.search(r"^Saved (.+)$", demo.stdout, re.MULTILINE)
    assert saved is not None, demo.stdout
    pixels = np.asarray(Image.open(REPOSITORY / saved[1]).convert("RGB")).astype(int)
    red, green, blue = pixels[3, 3]
    assert blue > 150 > max(red, green), "the background is blue"
    for stage in ("denoise", "upload", "created → completed"):
        assert stage in demo.stdout
    assert processes_of_stacks() - before == set()
    assert Stack.read(DEMO_STATE_DIR) is None


def test_a_demo_of_a_bad_request_fails_with_the_sentence_and_the_path_of_the_log() -> None:
    before = processes_of_stacks()

    demo = make_demo(PROMPT='it\'s a "red" circle for $5', INPUT='{"width": 99999}')

    assert demo.returncode != 0
    assert json.dumps('it\'s a "red" circle for $5') in demo.stdout, (
        "the shell left the prompt alone"
    )
    assert "width is 99999; it must be a whole number from 64 to 2048" in demo.stderr
    log = re.search(r"log: (\S+)", demo.stderr)
    assert log is not None
    assert Path(log[1]).name == "worker.log"
    assert re.search(r"The function's log: \S+firebase\.log$", demo.stderr, re.MULTILINE)
    assert processes_of_stacks() - before == set()
