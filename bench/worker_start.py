"""`python -m bench.worker_start`: B7, an engine's start to its first result; the functions' import.

Every sample is a process of its own, in turn with those of its floor. The engine's floor is what no
engine with these models can do without: a Python that imports torch and the pipelines, with the
garbage collector off, and reads the weights (from the page cache: all have been read before). The
functions' is one that imports the triggers of firebase_functions and nothing else, their peer one
with firebase_admin only. Bound: about a minute on two cores.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.outcome import Outcome
from bench.reporting import main
from gpu_worker.engine.loading import QUIET
from gpu_worker.engine.specs import CHECKPOINTS
from tools.bundle import DEFAULT_TARGET, build
from tools.stack.names import REPOSITORY

STARTS = 5
IMPORTS = 8
SAMPLE_SECONDS = 120.0
TAIL_CHARACTERS = 4000
MOST_OF_FLOOR = 1.10
#: Beyond firebase_functions' own.
MOST_IMPORT_SECONDS = 0.4

#: One step: what a picture takes is not the start's.
FIRST_RESULT = """
from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.ports import EngineJob
from shared.request import Text2ImgRequest

engine = EngineProcess("shapes", film_model="shapes-film")
engine.start()
request = Text2ImgRequest(prompt="a red circle", num_inference_steps=1, refiner_inference_steps=0)
job = EngineJob(job_id="first", request=request, seed=1)
engine.wait_ready(100)
assert engine.run(job, lambda _: None).pictures
engine.close()
"""
NEEDED = """
import gc, sys
gc.disable()
import torch
from diffusers import (
    StableDiffusionXLImg2ImgPipeline, StableDiffusionXLInpaintPipeline, StableDiffusionXLPipeline,
    WanPipeline,
)
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer, UMT5EncoderModel
for file in sys.argv[1:]:
    with open(file, "rb") as weights:
        weights.read()
"""
WEIGHTS = sorted(
    str(file)
    for name in ("shapes", "shapes-film")
    for file in (CHECKPOINTS / name).rglob("*.safetensors")
)
FUNCTIONS = {
    "ours": "import main",
    # What main puts off until the first event comes, which waits for it.
    "first event": "import main, trigger.wiring",
    "floor": "import firebase_functions.firestore_fn",
    "peer": "import firebase_admin, firebase_functions.firestore_fn",
}


def measure() -> list[Outcome]:
    return [first_result(), function_import()]


def first_result() -> Outcome:
    samples = _in_turn(
        {"ours": [FIRST_RESULT], "floor": [NEEDED, *WEIGHTS]}, folder=REPOSITORY, rounds=STARTS
    )
    value, floor = (statistics.median(samples[name]) for name in ("ours", "floor"))
    return Outcome(
        name="B7a",
        timed="engine's start → first result (embedded models, one step)",
        value=value,
        floor=floor,
        peer=None,
        unit="s",
        goal=f"≤ {MOST_OF_FLOOR:.2f} × imports + page-cache read",
        met=_of_floor(samples) <= MOST_OF_FLOOR,
        samples=samples,
        more={"median of the ratios": _of_floor(samples)},
    )


def function_import() -> Outcome:
    build()
    cases = {name: [script] for name, script in FUNCTIONS.items()}
    samples = _in_turn(cases, folder=DEFAULT_TARGET, rounds=IMPORTS)
    value, wired, floor, peer = (statistics.median(samples[name]) for name in FUNCTIONS)
    return Outcome(
        name="B7b",
        timed="import of the functions in a fresh process",
        value=value,
        floor=floor,
        peer=peer,
        unit="s",
        goal=f"≤ {MOST_OF_FLOOR:.2f} × floor, firebase_functions' own; "
        f"≤ {MOST_IMPORT_SECONDS} s beyond it with what the first event imports",
        met=_of_floor(samples) <= MOST_OF_FLOOR and wired - floor <= MOST_IMPORT_SECONDS,
        samples=samples,
        more={
            "median of the ratios": _of_floor(samples),
            "seconds beyond the floor": value - floor,
            "with what the first event imports": wired - floor,
        },
    )


def _of_floor(samples: Mapping[str, Sequence[float]]) -> float:
    """Of each sample to the one of the floor beside it: what else the machine does slows both."""
    pairs = zip(samples["ours"], samples["floor"], strict=True)
    return statistics.median(ours / floor for ours, floor in pairs)


def _in_turn(
    cases: Mapping[str, Sequence[str]], *, folder: Path, rounds: int
) -> dict[str, list[float]]:
    """Seconds of each case's processes. One round before that fills byte code and page cache."""
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, (script, *arguments) in cases.items():
            started = time.monotonic()
            _run([sys.executable, "-c", script, *arguments], folder)
            if number:
                seconds[name].append(time.monotonic() - started)
    return seconds


def _run(command: Sequence[str], folder: Path) -> None:
    """Raises `ChildProcessError` with the end of what it said."""
    done = subprocess.run(
        command,
        cwd=folder,
        check=False,
        timeout=SAMPLE_SECONDS,
        env={**os.environ, **QUIET, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    if done.returncode:
        tail = done.stderr.decode(errors="replace")[-TAIL_CHARACTERS:]
        raise ChildProcessError(f"a sample ended with {done.returncode}: {tail}")


if __name__ == "__main__":
    main(measure)
