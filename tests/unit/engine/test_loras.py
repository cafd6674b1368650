"""LoRAs on the real engine: what they change, and what is left of them afterwards: nothing."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.specs import SHAPES
from gpu_worker.ports import EngineJob, EngineProgress, JobCancelled, LoraFile, Mask, Pixels
from shared.errors import ErrorCode, GenerationError
from shared.parse import parse_request
from tests.unit.engine.jobs import make_job
from tests.unit.engine.lora_files import (
    HALF,
    KOHYA,
    OTHER,
    STRANGER,
    UNET,
    WIDER,
    WIDER_WORDS,
    WORDS,
    lora_of,
)

#: Enough to see what a LoRA does; a step takes 20 ms.
STEPS = 4
SOMEWHERE = "gs://bucket/image.png"
#: Two more than the engine keeps.
MANY = 10


class Artist:
    """Draws the same thing again and again, with or without LoRAs."""

    def __init__(self, engine: EngineProcess) -> None:
        self.engine = engine
        self.plain = self.draw()

    def draw(
        self, *loras: LoraFile, image: Pixels | None = None, mask: Mask | None = None
    ) -> NDArray[np.int64]:
        addresses: dict[str, Any] = {"image_url": SOMEWHERE} if image is not None else {}
        if mask is not None:
            addresses["mask_url"] = SOMEWHERE
        job = make_job(
            loras=loras,
            image=image,
            mask=mask,
            num_inference_steps=STEPS,
            strength=0.9,
            **addresses,
        )
        (picture,) = self.engine.run(job, lambda _: None).pictures
        return picture.pixels.astype(np.int64)

    def change(self, *loras: LoraFile) -> NDArray[np.int64]:
        return self.draw(*loras) - self.plain

    def is_unchanged(self) -> bool:
        return np.array_equal(self.draw(), self.plain)


@pytest.fixture
def artist(engine: EngineProcess) -> Artist:
    return Artist(engine)


def size(change: NDArray[np.int64]) -> float:
    return float(np.abs(change).mean())


def likeness(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """The cosine of two changes: 1 the same way, -1 the opposite."""
    product = float((one * other).sum())
    return product / float(np.linalg.norm(one) * np.linalg.norm(other))


@pytest.mark.parametrize("name", [UNET, OTHER, WORDS])
def test_a_lora_changes_the_picture_and_the_next_job_has_nothing_of_it(
    artist: Artist, lora_folder: Path, name: str
) -> None:
    assert size(artist.change(lora_of(lora_folder, name))) > 0.3
    assert artist.is_unchanged()


@pytest.mark.parametrize("name", [UNET, WORDS])
def test_more_weight_changes_more(artist: Artist, lora_folder: Path, name: str) -> None:
    weights = (0.25, 0.5, 1, 2)
    sizes = [size(artist.change(lora_of(lora_folder, name, weight))) for weight in weights]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 2 * sizes[0]


def test_none_of_it_is_the_picture_without_it(artist: Artist, lora_folder: Path) -> None:
    assert np.array_equal(artist.draw(lora_of(lora_folder, UNET, 0)), artist.plain)
    alone = artist.draw(lora_of(lora_folder, UNET))
    together = artist.draw(lora_of(lora_folder, UNET), lora_of(lora_folder, OTHER, 0))
    assert np.array_equal(together, alone)


def test_a_negative_weight_changes_it_the_other_way(artist: Artist, lora_folder: Path) -> None:
    there = artist.change(lora_of(lora_folder, OTHER, 0.5))
    back = artist.change(lora_of(lora_folder, OTHER, -0.5))
    assert likeness(there, back) < -0.5
    assert likeness(there, artist.change(lora_of(lora_folder, OTHER, 0.6))) > 0.5


def test_two_at_once_both_count(artist: Artist, lora_folder: Path) -> None:
    # The two pull in opposite directions; turned round, one of them pulls along.
    one, other = lora_of(lora_folder, UNET), lora_of(lora_folder, OTHER, -0.5)
    both = artist.change(one, other)
    for alone in (artist.change(one), artist.change(other)):
        assert not np.array_equal(both, alone)
        assert likeness(both, alone) > 0.2
    # Neither is left in the other's picture.
    assert np.array_equal(artist.change(one, other), both)


def test_a_lora_in_kohya_s_names_is_scaled_as_its_file_says(
    artist: Artist, lora_folder: Path
) -> None:
    half = artist.draw(lora_of(lora_folder, OTHER, 0.5))
    assert np.abs(artist.draw(lora_of(lora_folder, KOHYA)) - half).max() <= 1


def test_images_and_masks_take_them_too(artist: Artist, lora_folder: Path) -> None:
    image = np.full((128, 128, 3), (42, 88, 218), np.uint8)
    mask = np.zeros((128, 128), np.uint8)
    mask[32:96, 32:96] = 255
    for a_mask in (None, mask):
        plain = artist.draw(image=image, mask=a_mask)
        changed = artist.draw(lora_of(lora_folder, OTHER), image=image, mask=a_mask)
        assert size(changed - plain) > 0.3
        assert np.array_equal(artist.draw(image=image, mask=a_mask), plain)


def test_it_is_read_once_and_kept(artist: Artist, lora_folder: Path, tmp_path: Path) -> None:
    lora = copied(lora_folder, tmp_path, "kept")
    first = artist.draw(lora)
    lora.file.unlink()
    assert artist.is_unchanged()
    assert np.array_equal(artist.draw(lora), first)
    assert np.array_equal(artist.draw(replace(lora, weight=0.5)), artist.draw(half_of(lora)))


def test_of_many_the_one_used_longest_ago_is_let_go(
    artist: Artist, lora_folder: Path, tmp_path: Path
) -> None:
    loras = [copied(lora_folder, tmp_path, f"many-{number}") for number in range(MANY)]
    first = artist.draw(loras[0])
    for lora in loras[1:]:
        assert np.array_equal(artist.draw(lora), first)
        artist.draw(loras[1])  # used again and again, it stays
    for lora in loras:
        lora.file.unlink()
    for lora in (loras[1], *loras[3:]):
        assert np.array_equal(artist.draw(lora), first)
    for gone in (loras[0], loras[2]):
        with pytest.raises(GenerationError, match="no longer the one"):
            artist.draw(gone)
    assert artist.is_unchanged()


def test_a_file_that_was_changed_is_not_looked_at(
    artist: Artist, lora_folder: Path, tmp_path: Path
) -> None:
    lora = copied(lora_folder, tmp_path, "changed")
    lora.file.write_bytes(lora.file.read_bytes()[:-1] + b"!")
    with pytest.raises(GenerationError) as failure:
        artist.draw(lora)
    assert failure.value.code is ErrorCode.INTERNAL
    assert "changed" in failure.value.message
    assert str(tmp_path) not in failure.value.message
    assert artist.is_unchanged()


@pytest.mark.parametrize("name", [STRANGER, WIDER, WIDER_WORDS, HALF, "torn"])
def test_one_that_does_not_fit_fails_its_job_and_leaves_nothing(
    artist: Artist, lora_folder: Path, tmp_path: Path, name: str
) -> None:
    if name == "torn":
        (tmp_path / "torn.safetensors").write_bytes(b"no tensors")
        bad = lora_of(tmp_path, "torn")
    else:
        bad = lora_of(lora_folder, name)
    good = lora_of(lora_folder, UNET)
    pid, with_good = artist.engine.pid, artist.draw(good)
    for _ in range(2):
        with pytest.raises(GenerationError) as failure:
            artist.draw(good, bad)
        assert failure.value.message == (
            f"loras[1].name is {name}, which does not fit the model shapes; leave it out."
        )
        assert failure.value.code is ErrorCode.INVALID_INPUT
    assert artist.is_unchanged()
    assert np.array_equal(artist.draw(good), with_good)
    assert artist.engine.pid == pid


def test_a_cancelled_job_leaves_nothing_either(artist: Artist, lora_folder: Path) -> None:
    job = make_job(loras=(lora_of(lora_folder, OTHER),), num_inference_steps=150)

    def cancel_at_two(progress: EngineProgress) -> None:
        if progress.step == 2:
            artist.engine.cancel(job.job_id)

    with pytest.raises(JobCancelled):
        artist.engine.run(job, cancel_at_two)
    assert artist.is_unchanged()


def test_a_job_cannot_lose_the_loras_of_its_request() -> None:
    request = parse_request({"prompt": "x", "loras": [{"name": UNET}]})
    with pytest.raises(ValueError, match="not those of its request"):
        EngineJob(job_id="x", request=request, seed=1)


def test_what_comes_with_a_model_has_a_name_that_a_request_may_say() -> None:
    for file in SHAPES.own_loras:
        assert file.suffix == ".safetensors"
        assert make_job(loras=(LoraFile(name=file.stem, weight=1, file=file, sha256=""),)).loras


def copied(source: Path, target: Path, name: str) -> LoraFile:
    shutil.copy(source / f"{OTHER}.safetensors", target / f"{name}.safetensors")
    return lora_of(target, name)


def half_of(lora: LoraFile) -> LoraFile:
    return replace(lora, weight=lora.weight / 2)
