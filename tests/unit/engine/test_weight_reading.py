"""Weight files are read while the libraries are imported: which, how much, and never instead of."""

from pathlib import Path

import pytest

from gpu_worker.engine import weight_reading
from gpu_worker.engine.specs import SHAPES, FolderSource, HubSource
from gpu_worker.engine.weight_reading import (
    BLOCK_BYTES,
    WeightReading,
    free_memory_bytes,
    read_ahead,
    weight_files,
)

PLENTY = 2**40


def checkpoint(folder: Path, *names: str, size: int = 10) -> Path:
    for name in ("model_index.json", *names):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(size))
    return folder


def read(*files: Path, budget: int = PLENTY) -> int:
    reading = WeightReading(files, budget_bytes=budget).start()
    reading.wait()
    return reading.bytes_read


def test_all_weights_of_a_model_are_read_while_nobody_waits() -> None:
    assert isinstance(SHAPES.source, FolderSource)
    files = list(weight_files(SHAPES.source.folder, "fp16"))
    assert {file.parent.name for file in files} == {"text_encoder", "text_encoder_2", "unet", "vae"}
    reading = read_ahead(SHAPES.source)
    reading.wait()
    assert reading.bytes_read == sum(file.stat().st_size for file in files)


def test_only_the_variant_that_is_loaded_is_read(tmp_path: Path) -> None:
    folder = checkpoint(
        tmp_path,
        "unet/diffusion_pytorch_model.safetensors",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "text_encoder/model-00001-of-00002.safetensors",
        "text_encoder/model.fp16-00001-of-00002.safetensors",
        "text_encoder/model.bin",
        "sd_xl_base.safetensors",
    )
    assert [file.name for file in weight_files(folder, "fp16")] == [
        "model.fp16-00001-of-00002.safetensors",
        "diffusion_pytorch_model.fp16.safetensors",
    ]
    assert [file.name for file in weight_files(folder, None)] == [
        "model-00001-of-00002.safetensors",
        "diffusion_pytorch_model.safetensors",
    ]


def test_a_classifier_s_weights_lie_at_its_top(tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes(b"1234")
    assert [file.name for file in weight_files(tmp_path, None)] == ["model.safetensors"]


def test_a_model_of_the_hub_is_read_from_its_cache_if_it_is_there_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    source = HubSource(repository="acme/pictures", revision="abc")
    absent = read_ahead(source)
    absent.wait()
    assert absent.bytes_read == 0
    checkpoint(tmp_path / "models--acme--pictures/snapshots/abc", "unet/x.safetensors", size=321)
    there = read_ahead(source)
    there.wait()
    assert there.bytes_read == 321


def test_no_more_is_read_than_there_is_memory_for(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    with file.open("wb") as stream:
        stream.truncate(5 * BLOCK_BYTES)
    assert read(file, budget=2 * BLOCK_BYTES) == 2 * BLOCK_BYTES
    assert read(file, budget=BLOCK_BYTES - 1) == 0


def test_what_cannot_be_read_is_left_for_the_loader_to_complain_of(tmp_path: Path) -> None:
    there = tmp_path / "there.safetensors"
    there.write_bytes(b"12345")
    assert read(tmp_path / "gone.safetensors", tmp_path, there) == 5


def test_reading_stops_when_the_models_are_loaded(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(b"12345")
    reading = WeightReading([file], budget_bytes=PLENTY)
    reading.stop()
    reading.start().wait()
    assert reading.bytes_read == 0


@pytest.mark.parametrize(
    ("limit", "used", "free"),
    [
        ("max", "1", 4096_000),
        ("5000000", "4000000", 1000_000),
        ("1", "2", 0),
        (None, None, 4096_000),
    ],
)
def test_free_memory_is_the_container_s_where_that_is_less(
    limit: str | None, used: str | None, free: int, tmp_path: Path
) -> None:
    info = tmp_path / "meminfo"
    info.write_text("MemTotal:  9000 kB\nMemAvailable:  4000 kB\nBuffers: 1 kB\n")
    if limit is not None and used is not None:
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        (tmp_path / "memory.current").write_text(f"{used}\n")
    assert free_memory_bytes(info, tmp_path) == free


def test_this_machine_says_how_much_memory_is_free() -> None:
    assert weight_reading.free_memory_bytes() > 2**20
