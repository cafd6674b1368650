"""The GPU benchmark's configurations are the published ones, and its script works, at toy sizes.

Both run in processes of their own: no test imports the model libraries with warnings as errors.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bench.fleet_inputs import FILM_GIGABYTES, FILM_TFLOP, PICTURE_GIGABYTES, PICTURE_TFLOP
from bench.fleet_limits import PICTURE_REPORTS
from bench.gpu_models import FULL, TOY
from gpu_worker.engine.specs import SDXL, WAN
from shared.parse import parse_request
from shared.request import ImageRequest, Text2VideoRequest

TIMEOUT_SECONDS = 110
#: Bytes of the published fp16 files, as the hub lists them, in units of its last digit: their
#: headers (names and shapes) are the difference.
PUBLISHED_BYTES = {
    "unet": (5.14e9, 1e7),
    "refiner": (4.52e9, 1e7),
    "vae": (167e6, 1e6),
    "text": (246e6, 1e6),
    "text_2": (1.39e9, 1e7),
}
STAGES = {"encode", "a step", "denoise", "decode", "total"}


#: Two runs in one process, since importing the model libraries takes longer than either.
COUNT_AND_REFUSE = """
import sys
from bench import gpu, gpu_counting
gpu_counting.main()
sys.exit(gpu.main(["--result", sys.argv[1]]))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    # Whatever the machine has: torch sees no GPU.
    alone = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        env={**os.environ, **alone},
    )


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    result = tmp_path_factory.mktemp("gpu") / "none.json"
    ended = run("-c", COUNT_AND_REFUSE, str(result))
    assert not result.exists()
    return ended


@pytest.fixture(scope="module")
def counted(ended: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Any:
    result = tmp_path_factory.mktemp("gpu") / "gpu.json"
    ended = run(
        *("-m", "bench.gpu", "--toy", "--rounds", "1", "--batches", "4", "--result", str(result)),
        # As on a GPU, but for what makes its programs: that would take minutes of a CPU.
        *("--compile", "on", "--backend", "eager"),
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(result.read_text())


@pytest.mark.parametrize("part", PUBLISHED_BYTES)
def test_a_part_of_sdxl_is_as_large_as_its_published_file(counted: Any, part: str) -> None:
    published, last_digit = PUBLISHED_BYTES[part]
    assert 2 * counted["parameters"][part] == pytest.approx(published, abs=last_digit)


def test_wans_parts_are_as_large_as_the_published_ones(counted: Any) -> None:
    """Of which the table of models says how many parameters they have."""
    assert WAN.weights is not None
    parameters = counted["parameters"]
    assert parameters["transformer"] == WAN.weights.transformer
    assert parameters["film_vae"] == WAN.weights.vae
    assert parameters["film_text"] == WAN.weights.text_encoder


def test_the_table_of_models_knows_how_large_the_parts_of_sdxl_are(counted: Any) -> None:
    assert SDXL.weights is not None
    names = {"text_encoder": "text", "text_encoder_2": "text_2"}
    for part, parameters in asdict(SDXL.weights).items():
        assert counted["parameters"][names.get(part, part)] == parameters, part


def test_full_size_is_what_a_plain_request_asks_for() -> None:
    picture = parse_request({"prompt": "x"})
    film = parse_request({"prompt": "x", "task_type": "text2video"})
    assert isinstance(picture, ImageRequest)
    assert isinstance(film, Text2VideoRequest)
    assert (FULL.picture_steps, FULL.refiner_steps) == (
        picture.num_inference_steps,
        picture.refiner_inference_steps,
    )
    assert (FULL.film, FULL.frames) == ((film.video_width, film.video_height), film.num_frames)
    assert FULL.film_steps == film.num_inference_steps


def test_the_fleets_work_is_what_was_counted(counted: Any) -> None:
    flop, parameters = counted["flop"], counted["parameters"]
    refining = PICTURE_REPORTS - FULL.picture_steps
    picture = (
        flop["encode"]
        + flop["refiner_encode"]
        + FULL.picture_steps * flop["step"]
        + refining * flop["refiner_step"]
        + flop["decode"]
    )
    film = flop["film_encode"] + FULL.film_steps * flop["film_step"] + flop["film_decode"]
    assert picture / 1e12 == pytest.approx(PICTURE_TFLOP, rel=0.002)
    assert film / 1e12 == pytest.approx(FILM_TFLOP, rel=0.002)
    pictures = ("unet", "refiner", "vae", "text", "text_2")
    films = ("transformer", "film_vae", "film_text")
    for names, gigabytes in ((pictures, PICTURE_GIGABYTES), (films, FILM_GIGABYTES)):
        assert 2e-9 * sum(parameters[name] for name in names) == pytest.approx(gigabytes, abs=0.06)


def test_a_toy_has_the_kinds_of_parts_that_the_full_size_has() -> None:
    for name in ("unet", "refiner", "vae", "text", "text_2", "transformer", "film_vae"):
        assert set(getattr(TOY, name)) == set(getattr(FULL, name))
    assert TOY.unet["down_block_types"] == FULL.unet["down_block_types"]


def test_every_stage_is_timed_in_both_ways_and_has_a_floor(toy: Any) -> None:
    stages: dict[tuple[str, int], set[str]] = {}
    for row in toy["rows"]:
        stages.setdefault((row["work"], row["batch"]), set()).add(row["stage"])
        assert min(row["stock"], row["ours"]) > 0
        assert row["floor"] == pytest.approx(row["tflop"] / toy["matmul_tflop_per_second"])
        assert row["floor"] > 0
    assert stages == {
        ("SDXL, base alone", 4): STAGES,
        ("SDXL, base and refiner", 4): {*STAGES, "refine"},
        **{(f"Wan2.1 1.3B, {steps} steps", 1): STAGES for steps in (2, 4)},
    }


def test_a_stock_calls_total_is_the_sum_of_its_stages(toy: Any) -> None:
    """Of one round, whose medians are all of the same call."""
    stock: dict[tuple[str, int], dict[str, float]] = {}
    for row in toy["rows"]:
        stock.setdefault((row["work"], row["batch"]), {})[row["stage"]] = row["stock"]
    for stages in stock.values():
        step = stages.pop("a step")
        assert 2 * step <= stages["denoise"] * 1.001
        assert sum(stages.values()) - stages["total"] == pytest.approx(stages["total"])


def test_bf16_is_near_fp32_and_not_the_same(toy: Any) -> None:
    for error in toy["errors"].values():
        assert 0 < error["mean"] < 0.05 * error["rms"]
        assert error["mean"] < error["max"] < error["rms"]


def test_memory_is_told_of_each_work(toy: Any) -> None:
    works = {f"{row['work']}, batch {row['batch']}" for row in toy["rows"]}
    for way in ("stock", "ours"):
        assert set(toy["peak_memory_bytes"][way]) == works
        assert all(value > 0 for value in toy["peak_memory_bytes"][way].values())


def test_our_engine_is_compiled_as_a_workers_is(toy: Any) -> None:
    """Both UNets for the size of the warm-up and the one that was timed, and Wan's transformer."""
    assert toy["compiled_graphs"] == 2 * 2 + 1


def test_full_sizes_want_a_gpu(ended: subprocess.CompletedProcess[str]) -> None:
    assert ended.returncode == 1
    assert "There is no GPU here" in ended.stderr


def test_a_toys_figures_are_not_written(tmp_path: Path) -> None:
    refused = run("-m", "bench.gpu", "--toy", "--write", "--result", str(tmp_path / "gpu.json"))
    assert refused.returncode != 0
    assert "a toy's figures are nobody's" in refused.stderr
    assert not list(tmp_path.iterdir())
