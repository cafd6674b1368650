"""What LoRAs leave on the modules themselves, in this process: nothing, once they are let go."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gpu_worker.engine import stages
from gpu_worker.engine.loras import MAX_KEPT, MODULES, LoraShelf
from gpu_worker.engine.model import Model
from gpu_worker.engine.specs import SHAPES, FolderSource
from gpu_worker.ports import no_frames
from shared.errors import GenerationError
from tests.unit.engine.jobs import make_job
from tests.unit.engine.lora_files import HALF, OTHER, UNET, WIDER, WIDER_WORDS, WORDS, lora_of
from tests.unit.engine.refiners import add_twin

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return loaded(SHAPES.source).text2img


@pytest.fixture
def shelf(pipeline: Any) -> Iterator[LoraShelf]:
    yield LoraShelf(pipeline, "shapes")
    pipeline.unload_lora_weights()


def loaded(source: Any) -> Any:
    draw = Model((SHAPES, source))._draw
    assert draw is not None
    return draw._pipelines


def parameters(pipeline: Any) -> list[str]:
    return [
        f"{module}.{name}"
        for module in MODULES
        for name, _ in getattr(pipeline, module).named_parameters()
    ]


@pytest.mark.parametrize("name", [WIDER, WIDER_WORDS, HALF])
def test_one_that_does_not_fit_leaves_the_modules_as_they_were(
    shelf: LoraShelf, pipeline: Any, lora_folder: Path, name: str
) -> None:
    before = parameters(pipeline)
    with pytest.raises(GenerationError), shelf.applied([lora_of(lora_folder, name)]):
        pass
    assert parameters(pipeline) == before
    assert pipeline.get_list_adapters() == {}


@pytest.mark.parametrize("name", [WIDER, WIDER_WORDS, HALF])
def test_among_others_it_leaves_these_alone(
    shelf: LoraShelf, pipeline: Any, lora_folder: Path, name: str
) -> None:
    with shelf.applied([lora_of(lora_folder, UNET), lora_of(lora_folder, WORDS)]):
        kept = parameters(pipeline)
    with pytest.raises(GenerationError), shelf.applied([lora_of(lora_folder, name)]):
        pass
    assert [it for it in parameters(pipeline) if "lora_" in it] == [
        it for it in kept if "lora_" in it
    ]


def test_no_more_are_kept_than_the_bound(
    shelf: LoraShelf, pipeline: Any, lora_folder: Path, tmp_path: Path
) -> None:
    content = (lora_folder / f"{OTHER}.safetensors").read_bytes()
    names = [f"copy-{number}" for number in range(MAX_KEPT + 2)]
    for name in names:
        (tmp_path / f"{name}.safetensors").write_bytes(content)
        with shelf.applied([lora_of(tmp_path, name)]):
            pass
    assert pipeline.get_list_adapters() == {"unet": [f"adapter-{it}" for it in names[2:]]}
    left = {name.rpartition("adapter-")[2] for name in parameters(pipeline) if "lora_A" in name}
    assert left == {f"{it}.weight" for it in names[2:]}


def test_what_is_loaded_has_the_model_s_precision(
    shelf: LoraShelf, pipeline: Any, lora_folder: Path
) -> None:
    with shelf.applied([lora_of(lora_folder, UNET), lora_of(lora_folder, WORDS)]):
        types = {
            value.dtype for module in MODULES for value in getattr(pipeline, module).parameters()
        }
    assert types == {torch.float32}


def test_the_refiner_gets_embeddings_without_any(
    lora_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = FolderSource(folder=add_twin(tmp_path / "model"), variant="fp16")
    model = Model((SHAPES, source))
    assert model._draw is not None
    pipelines: Any = model._draw._pipelines
    assert pipelines.refiner.text_encoder_2 is pipelines.text2img.text_encoder_2
    seen: dict[bool, list[torch.Tensor]] = {True: [], False: []}
    encode = stages.encode

    def encode_and_record(pipeline: Any, *arguments: Any) -> Any:
        encoded = encode(pipeline, *arguments)
        seen[pipeline is pipelines.refiner].append(encoded.prompt)
        return encoded

    monkeypatch.setattr(stages, "encode", encode_and_record)
    for loras in ((), (lora_of(lora_folder, WORDS),)):
        job = make_job(
            loras=loras, num_inference_steps=4, refiner_inference_steps=4, high_noise_frac=0.5
        )
        model.generate(job, lambda _: None, lambda: None, no_frames)
    base, refiner = seen[False], seen[True]
    assert not torch.equal(base[0], base[1])
    assert torch.equal(refiner[0], refiner[1])
