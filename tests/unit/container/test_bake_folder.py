"""A baked folder is whole or not there, says what it is, and is used by the worker if that fits."""

import json
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine import loading, specs
from gpu_worker.engine.baked import prefer_baked
from gpu_worker.engine.baking import baking
from gpu_worker.engine.baking.baking import UNFINISHED, bake
from gpu_worker.engine.baking.fetching import fetch
from gpu_worker.engine.baking.manifest import MANIFEST, Manifest, ManifestFault
from gpu_worker.engine.baking.rows import Baked
from gpu_worker.engine.checking_spec import NO_CHECK, CheckChoice
from gpu_worker.engine.specs import FolderSource, HubSource
from gpu_worker.engine.start_choice import StartChoice
from gpu_worker.ports import EngineJob, Pixels
from shared.request import Text2ImgRequest

REPOSITORY = Path(__file__).resolve().parents[3]
SHAPES = specs.CHECKPOINTS / "shapes"
SOURCE = HubSource(repository="acme/pictures", revision="abc", variant="fp16")
PARTS = ("scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet", "vae")


def rows(repository: Path | str = SHAPES, **how: object) -> list[Baked]:
    """SDXL as models.toml has it, from a folder of this machine."""
    base = {"folder": "sdxl", "repository": str(repository), "revision": "abc", "parts": PARTS}
    refiner = {"folder": "sdxl/refiner", "repository": f"{repository}/refiner", "revision": "abc"}
    return [
        Baked.of({**base, "variant": "fp16", **how}),
        Baked.of({**refiner, "parts": ("scheduler", "unet"), "variant": "fp16", **how}),
    ]


def claim(folder: Path, source: HubSource, refiner: HubSource | None = None) -> None:
    """As if it had been fetched from the hub: which nobody can do here."""
    file = folder / MANIFEST
    content = json.loads(file.read_text())
    for row, it in zip(content["models"], (source, refiner), strict=True):
        if it is not None:
            row |= {"repository": it.repository, "revision": it.revision}
    file.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Baked; the model in it is the embedded one."""
    out = tmp_path_factory.mktemp("baked")
    folder, made = bake(rows(), out)
    assert made
    return folder


def test_base_and_refiner_are_one_model_that_stores_nothing_twice(sdxl: Path) -> None:
    names = Manifest.read(sdxl).files
    weights = {Path(name).parent for name in names if name.endswith(".safetensors")}
    assert {str(it) for it in weights} == {
        "text_encoder", "text_encoder_2", "unet", "vae", "refiner/unet",
    }  # fmt: skip
    Manifest.read(sdxl).check_hashes(sdxl)
    assert [it.name for it in sdxl.parent.iterdir()] == ["sdxl"]


def test_what_is_baked_is_not_baked_again(sdxl: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in sdxl.rglob("*")}
    assert bake(rows(), sdxl.parent) == (sdxl, False)
    assert {file: file.stat().st_mtime_ns for file in sdxl.rglob("*")} == before


def test_the_worker_finds_a_baked_model_and_draws_the_picture_of_the_checkpoint(
    sdxl: Path,
) -> None:
    source, refiner = specs.SDXL.source, specs.SDXL.refiner
    assert isinstance(source, HubSource)
    assert isinstance(refiner, HubSource)
    claim(sdxl, source, refiner)
    cores = os.sched_getaffinity(0)
    # It is tiny: on a busy machine two threads would spend their time waiting for each other.
    os.sched_setaffinity(0, {min(cores)})
    try:
        # Without a folder of either kind it would have to ask the hub, which is out of reach here.
        baked = drawn(
            EngineProcess("sdxl", start=StartChoice(baked=sdxl.parent), check=unchecked())
        )
        direct = drawn(EngineProcess("sdxl", model_dir=SHAPES, check=unchecked()))
    finally:
        os.sched_setaffinity(0, cores)
    assert np.array_equal(baked, direct)


def unchecked() -> CheckChoice:
    return CheckChoice(name=NO_CHECK)


def drawn(engine: EngineProcess) -> Pixels:
    request = Text2ImgRequest(
        prompt="a red circle",
        width=128,
        height=128,
        num_inference_steps=1,
        refiner_inference_steps=1,
    )
    try:
        engine.wait_ready(100)
        result = engine.run(EngineJob(job_id="one", request=request, seed=1), lambda _: None)
    finally:
        engine.close()
    assert result.refiner
    return result.pictures[0].pixels


def test_a_bake_that_breaks_off_leaves_no_model_and_the_next_one_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []

    def break_off(row: Baked, folder: Path) -> None:
        fetched.append(row.folder)
        if row.folder == "sdxl/refiner":
            raise OSError("the network is gone")
        fetch(row, folder)

    monkeypatch.setattr(baking, "fetch", break_off)
    with pytest.raises(OSError, match="network"):
        bake(rows(), tmp_path)
    assert fetched == ["sdxl", "sdxl/refiner"]
    assert [it.name for it in tmp_path.iterdir()] == [f"sdxl{UNFINISHED}"]
    monkeypatch.setattr(baking, "fetch", fetch)
    folder, made = bake(rows(), tmp_path)
    assert made
    assert [it.name for it in tmp_path.iterdir()] == ["sdxl"]
    Manifest.read(folder).check_hashes(folder)


def test_another_commit_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    folder, _ = bake(rows(), tmp_path)
    (folder / "of the old one").write_text("x")
    newer = rows(revision="def")
    assert bake(newer, tmp_path) == (folder, True)
    assert Manifest.read(folder).rows == tuple(newer)
    assert not (folder / "of the old one").exists()


def test_a_file_cut_short_is_noticed_and_baked_anew(tmp_path: Path) -> None:
    folder, _ = bake(rows(), tmp_path)
    weights = next(folder.glob("unet/*.safetensors"))
    os.truncate(weights, weights.stat().st_size - 1)
    with pytest.raises(ManifestFault, match=r"unet/.*\.safetensors has \d+ bytes, not \d+"):
        Manifest.read(folder).check_sizes(folder)
    assert bake(rows(), tmp_path) == (folder, True)
    Manifest.read(folder).check_hashes(folder)


def test_a_baked_model_is_used_if_it_is_whole_and_of_the_commit_that_the_worker_wants(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, _ = bake(rows(), tmp_path)
    claim(folder, SOURCE)
    with caplog.at_level(logging.WARNING):
        found = prefer_baked("sdxl", SOURCE, tmp_path)
        assert found == FolderSource(folder=folder, variant="fp16")
        assert caplog.messages == []
        for repository, revision, words in (
            ("acme/pictures", "def", "is acme/pictures at def, not acme/pictures at abc"),
            ("other/pictures", "abc", "its sdxl is other/pictures at abc"),
        ):
            claim(folder, HubSource(repository=repository, revision=revision))
            assert prefer_baked("sdxl", SOURCE, tmp_path) is SOURCE
            assert words in caplog.messages[-1]
        next(folder.glob("vae/*.safetensors")).unlink()
        assert prefer_baked("sdxl", SOURCE, tmp_path) is SOURCE
        assert "is missing" in caplog.messages[-1]
        (folder / MANIFEST).write_text("{")
        assert prefer_baked("sdxl", SOURCE, tmp_path) is SOURCE
        assert "that can be read" in caplog.messages[-1]
        (folder / MANIFEST).write_text('{"form": 99}')
        assert prefer_baked("sdxl", SOURCE, tmp_path) is SOURCE
        assert "has form 99, not 1" in caplog.messages[-1]
    assert len(caplog.messages) == 5


def test_without_a_baked_model_the_hub_is_asked_and_nothing_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert prefer_baked("sdxl", SOURCE, None) is SOURCE
    assert prefer_baked("sdxl", SOURCE, tmp_path / "nowhere") is SOURCE
    assert caplog.messages == []


def test_a_baked_model_whose_refiner_is_of_another_commit_or_missing_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The picture would be one that nobody's table knows."""
    source, refiner = specs.SDXL.source, specs.SDXL.refiner
    assert isinstance(source, HubSource)
    assert isinstance(refiner, HubSource)
    folder, _ = bake(rows(), tmp_path)
    claim(folder, source, replace(refiner, revision="def"))
    assert loading.choose_source(specs.SDXL, None, tmp_path) is source
    assert f"its sdxl/refiner is {refiner.repository} at def, not" in caplog.messages[-1]
    folder, _ = bake(rows()[:1], tmp_path)
    content = json.loads((folder / MANIFEST).read_text())
    content["models"][0] |= {"repository": source.repository, "revision": source.revision}
    (folder / MANIFEST).write_text(json.dumps(content))
    assert loading.choose_source(specs.SDXL, None, tmp_path) is source
    assert "its sdxl/refiner is missing, not" in caplog.messages[-1]


def test_a_folder_that_the_operator_names_goes_before_a_baked_one(sdxl: Path) -> None:
    source, refiner = specs.SDXL.source, specs.SDXL.refiner
    assert isinstance(source, HubSource)
    assert isinstance(refiner, HubSource)
    claim(sdxl, source, refiner)
    assert loading.choose_source(specs.SDXL, None, sdxl.parent) == FolderSource(
        folder=sdxl, variant="fp16"
    )
    named = loading.choose_source(specs.SDXL, SHAPES, sdxl.parent)
    assert isinstance(named, FolderSource)
    assert named.folder == SHAPES


def test_weights_too_large_for_fp16_end_the_bake_and_bf16_keeps_them(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "vae").mkdir(parents=True)
    bias = np.array([1.0, 70_000.0], np.float32)
    weights: dict[str, Any] = {"bias": bias, "count": np.array([3], np.int64)}
    save_file(weights, source / "vae/model.safetensors")

    def baked(precision: str) -> list[Baked]:
        row = {"folder": "m", "repository": str(source), "revision": "", "parts": ["vae"]}
        return [Baked.of({**row, "precision": precision})]

    with pytest.raises(ValueError, match="bias has numbers too large for fp16"):
        bake(baked("fp16"), tmp_path / "out")
    assert not (tmp_path / "out/m").exists()
    folder, _ = bake(baked("bf16"), tmp_path / "out")
    assert (folder / "vae/model.safetensors").stat().st_size < (
        source / "vae/model.safetensors"
    ).stat().st_size
    save_file({"bias": bias / 100}, source / "vae/model.safetensors")
    folder, _ = bake(baked("fp16"), tmp_path / "other")
    assert load_file(folder / "vae/model.safetensors")["bias"].dtype == np.float16


def test_the_worker_s_command_bakes_and_verifies(tmp_path: Path) -> None:
    models = tmp_path / "models.toml"
    shutil.copytree(SHAPES, tmp_path / "pictures")
    models.write_text(
        f'[image.sdxl]\nrepository = "{tmp_path}/pictures"\nrevision = "abc"\n'
        f'parts = {json.dumps(PARTS)}\nvariant = "fp16"\n'
    )

    def command(*more: str) -> tuple[int, str]:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "gpu_worker", "bake", "image", *more),
                *("--out", str(tmp_path / "out"), "--models", str(models)),
            ],
            cwd=REPOSITORY,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        )
        return done.returncode, done.stdout + done.stderr

    assert command()[0] == 0
    assert "there already\n" in command()[1]
    code, said = command("--compile")
    assert code == 0
    assert said.endswith("nothing is compiled: this machine has no GPU that torch can use\n")
    code, said = command("--verify")
    assert (code, "files are what the manifest says" in said) == (0, True)
    weights = next((tmp_path / "out/sdxl/unet").glob("*.safetensors"))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    code, said = command("--verify")
    assert code == 1
    assert "has the SHA-256" in said
