"""Fixed results: that all of torch's switches are really set, and that everything is drawn."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpu_worker.adapters.engine_process import EngineProcess
from shared.request import Scheduler
from tests.unit.engine.jobs import PATIENCE_SECONDS, PROMPT, run

IMAGE = {"image": np.full((128, 128, 3), 128, np.uint8), "image_url": "gs://b/i"}
MASK = {"mask": np.tril(np.full((128, 128), 255, np.uint8)), "mask_url": "gs://b/m"}


def bytes_of(engine: EngineProcess, **parameters: Any) -> list[bytes]:
    return [it.pixels.tobytes() for it in run(engine, **parameters).pictures]


@pytest.fixture(scope="module")
def fixed() -> Iterator[EngineProcess]:
    engine = EngineProcess("shapes", deterministic=True)
    engine.start()
    assert engine.wait_ready(PATIENCE_SECONDS).deterministic
    yield engine
    engine.close()


@pytest.mark.parametrize("scheduler", Scheduler)
def test_with_fixed_results_every_scheduler_gives_the_same_bytes_twice(
    fixed: EngineProcess, scheduler: Scheduler
) -> None:
    wish = {"scheduler": scheduler.value, "num_inference_steps": 4, "num_images": 2}
    assert bytes_of(fixed, **wish) == bytes_of(fixed, **wish)


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"width": 200, "height": 120},
        {**IMAGE, "strength": 0.8},
        {**IMAGE, **MASK, "strength": 0.8},
        {"prompt": f"a (red)0.5 circle{', detailed' * 60}++", "prompt_weighting": True},
    ],
    ids=["text2img", "resized", "img2img", "inpaint", "weighted"],
)
def test_with_fixed_results_every_task_gives_the_same_bytes_twice(
    fixed: EngineProcess, wish: dict[str, Any]
) -> None:
    more = {"num_inference_steps": 4, **wish}
    assert bytes_of(fixed, **more) == bytes_of(fixed, **more)


def test_with_fixed_results_another_process_gives_the_same_pixels(
    fixed: EngineProcess, tmp_path: Path
) -> None:
    request = tmp_path / "wish.json"
    request.write_text(json.dumps({"input": {"prompt": PROMPT, "seed": 7}}))
    command = [sys.executable, "-m", "gpu_worker", "once", str(request), "--out", str(tmp_path)]
    subprocess.run(
        [*command, "--deterministic"], check=True, capture_output=True, timeout=PATIENCE_SECONDS
    )
    with Image.open(tmp_path / "wish-7.png") as other:
        assert np.asarray(other).tobytes() == bytes_of(fixed, prompt=PROMPT)[0]


def test_without_being_asked_for_results_are_not_fixed(engine: EngineProcess) -> None:
    info = engine.wait_ready(PATIENCE_SECONDS)
    assert (info.deterministic, info.precision) == (False, "fp32")


#: Prints whether all is set, and again after each switch was turned back alone.
SWITCHES = """
import json, os
from gpu_worker.engine import determinism
said = [("before", determinism.results_are_fixed())]
determinism.prepare_fixed_results()
said.append(("variable only", determinism.results_are_fixed()))
determinism.fix_results()
said.append(("set", determinism.results_are_fixed()))
import torch
def algorithms(): torch.use_deterministic_algorithms(False)
def warnings(): torch.use_deterministic_algorithms(True, warn_only=True)
def cudnn(): torch.backends.cudnn.deterministic = False
def benchmark(): torch.backends.cudnn.benchmark = True
def convolutions(): torch.backends.cudnn.allow_tf32 = True
def products(): torch.backends.cuda.matmul.allow_tf32 = True
def cublas(): del os.environ["CUBLAS_WORKSPACE_CONFIG"]
for undo in (algorithms, warnings, cudnn, benchmark, convolutions, products, cublas):
    undo()
    said.append((undo.__name__, determinism.results_are_fixed()))
    determinism.prepare_fixed_results()
    determinism.fix_results()
said.append(("set again", determinism.results_are_fixed()))
x = torch.zeros(4)
try:
    x.put_(torch.tensor([0, 0]), torch.ones(2))
    said.append(("chance", True))
except RuntimeError as refused:
    said.append(("chance", "deterministic" not in str(refused)))
print(json.dumps(said))
"""


def test_every_switch_is_set_and_a_missing_one_is_noticed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SWITCHES], capture_output=True, text=True, check=True, timeout=60
    )
    said = dict(json.loads(done.stdout))
    assert {name for name, fixed in said.items() if fixed} == {"set", "set again"}
    assert len(said) == 12
