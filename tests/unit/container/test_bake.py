"""What lies in an image with models: the right files of the right commit; the worker loads them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from gpu_worker.engine import checking_spec, specs
from gpu_worker.engine.baking.fetching import wanted
from gpu_worker.engine.baking.manifest import MANIFEST
from gpu_worker.engine.baking.rows import Baked, read_models
from gpu_worker.engine.specs import HubSource
from tests.unit.container.local_hub import COMMIT, local_hub

REPOSITORY = Path(__file__).resolve().parents[3]
BAKING = REPOSITORY / "gpu_worker/engine/baking"
SHAPES = specs.CHECKPOINTS / "shapes"
SHAPES_FILM = specs.CHECKPOINTS / "shapes-film"
MODELS = f"""
[image.sdxl]
repository = "acme/pictures"
revision = "{COMMIT}"
variant = "fp16"
parts = ["scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet", "vae"]

[image."sdxl/refiner"]
repository = "acme/refiner"
revision = "{COMMIT}"
variant = "fp16"
parts = ["scheduler", "unet"]

[video.wan]
repository = "acme/films"
revision = "{COMMIT}"
parts = ["scheduler", "text_encoder", "tokenizer", "transformer", "vae"]
precision = "bf16"
"""


def as_published_in_fp32(folder: Path) -> Path:
    """The film checkpoint as Wan's authors publish theirs: fp32, the biggest part in shards."""
    shutil.copytree(SHAPES_FILM, folder)
    for file in folder.glob("*/*.fp16.safetensors"):
        wide = {name: it.astype(np.float32) for name, it in load_file(file).items()}
        plain = file.name.replace(".fp16", "")
        file.unlink()
        if file.parent.name != "transformer":
            save_file(wide, file.with_name(plain), metadata={"format": "pt"})
            continue
        names = sorted(wide)
        half = len(names) // 2
        stem = plain.removesuffix(".safetensors")
        where = {}
        for number, chosen in enumerate((names[:half], names[half:]), start=1):
            shard = f"{stem}-{number:05}-of-00002.safetensors"
            content = {name: wide[name] for name in chosen}
            save_file(content, file.with_name(shard), metadata={"format": "pt"})
            where.update(dict.fromkeys(chosen, shard))
        index = {
            "metadata": {"total_size": sum(it.nbytes for it in wide.values())},
            "weight_map": where,
        }
        file.with_name(f"{plain}.index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture(scope="module")
def baked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an image with both models, made by the image's own command, which sees no
    other code."""
    scratch = tmp_path_factory.mktemp("bake")
    shutil.copytree(BAKING, scratch / "gpu_worker/engine/baking")
    pictures = scratch / "pictures"
    shutil.copytree(SHAPES, pictures, ignore=shutil.ignore_patterns("refiner"))
    # What other tools and formats have in the same repositories, and nobody here may load.
    for other in ("sd_xl_base.safetensors", "unet/model.bin", "unet/model.safetensors"):
        (pictures / other).write_bytes(b"never fetched")
    (pictures / "vae_1_0").mkdir()
    (pictures / "vae_1_0/diffusion_pytorch_model.fp16.safetensors").write_bytes(b"never fetched")
    models, out = scratch / "models.toml", scratch / "baked"
    models.write_text(MODELS)
    repositories = {
        "acme/pictures": pictures,
        "acme/refiner": SHAPES / "refiner",
        "acme/films": as_published_in_fp32(scratch / "films"),
    }
    with local_hub(repositories) as address:
        for kind in ("image", "video"):
            subprocess.run(
                [
                    *(sys.executable, "-m", "gpu_worker.engine.baking", kind),
                    *("--out", str(out), "--models", str(models)),
                ],
                check=True,
                cwd=scratch,
                timeout=100,
                env={**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(scratch / "cache")},
            )
    return out


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name != MANIFEST
    }


def test_a_picture_model_is_baked_with_its_refiner_and_without_what_other_tools_read(
    baked: Path,
) -> None:
    assert files_of(baked / "sdxl") == files_of(SHAPES)


def test_fp32_weights_are_kept_in_bf16_in_their_shards(baked: Path) -> None:
    wide = {
        f"{file.parent.name}.{name}": it
        for file in SHAPES_FILM.glob("*/*.safetensors")
        for name, it in load_file(file).items()
    }
    kept: dict[str, str] = {}
    for file in (baked / "wan").glob("*/*.safetensors"):
        size = int.from_bytes(file.read_bytes()[:8], "little")
        header = json.loads(file.read_bytes()[8 : 8 + size])
        assert header.pop("__metadata__") == {"format": "pt"}
        for name, tensor in header.items():
            kept[f"{file.parent.name}.{name}"] = tensor["dtype"]
            assert tuple(tensor["shape"]) == wide[f"{file.parent.name}.{name}"].shape
    assert set(kept) == set(wide)
    assert {
        name for name, kind in kept.items() if np.issubdtype(wide[name].dtype, np.floating)
    } == {name for name, kind in kept.items() if kind == "BF16"}
    shards = sorted((baked / "wan/transformer").glob("*-of-00002.safetensors"))
    index = json.loads(next((baked / "wan/transformer").glob("*.index.json")).read_text())
    assert len(shards) == 2
    assert set(index["weight_map"].values()) == {shard.name for shard in shards}
    transformer = [it for name, it in wide.items() if name.startswith("transformer.")]
    assert index["metadata"]["total_size"] == sum(2 * it.size for it in transformer)


def test_the_worker_makes_a_film_with_a_baked_model(baked: Path, tmp_path: Path) -> None:
    request = tmp_path / "request.json"
    request.write_text(
        json.dumps({"input": {
            "task_type": "text2video", "prompt": "a red circle moving right on a blue background",
            "num_inference_steps": 2, "num_frames": 17, "seed": 1,
        }})
    )  # fmt: skip
    run = subprocess.run(
        [
            *(sys.executable, "-m", "gpu_worker", "once", str(request), "--out", str(tmp_path)),
            *("--model", "none", "--film-model", "shapes-film"),
            *("--film-model-dir", str(baked / "wan")),
        ],
        check=False,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert [file.stat().st_size > 1000 for file in tmp_path.glob("*.mp4")] == [True]


def test_what_an_image_has_is_what_the_worker_would_fetch() -> None:
    def pinned(source: object) -> tuple[str, str, str | None]:
        assert isinstance(source, HubSource)
        return source.repository, source.revision, source.variant

    sdxl, wan, check = specs.SDXL, specs.WAN, checking_spec.NSFW
    assert {
        (kind, it.folder): (it.repository, it.revision, it.variant)
        for kind in ("image", "video")
        for it in read_models(kind)
    } == {
        ("image", "sdxl"): pinned(sdxl.source),
        ("image", f"sdxl/{specs.REFINER_FOLDER}"): pinned(sdxl.refiner),
        ("image", "nsfw"): pinned(check.source),
        ("video", "wan"): pinned(wan.source),
        ("video", "nsfw"): pinned(check.source),
    }


def test_a_part_without_safetensors_of_the_variant_ends_the_build() -> None:
    model = Baked(
        folder="sdxl", repository="acme/pictures", revision=COMMIT, parts=("unet",), variant="fp16"
    )
    with pytest.raises(ValueError, match=r"acme/pictures has no \.fp16\.safetensors in unet"):
        wanted(model, ["model_index.json", "unet/config.json", "unet/model.safetensors"])


def test_shards_and_their_index_are_taken_whole() -> None:
    plain = Baked(folder="wan", repository="a/b", revision=COMMIT, parts=("text_encoder",))
    names = [
        "text_encoder/model-00001-of-00002.safetensors",
        "text_encoder/model-00002-of-00002.safetensors",
        "text_encoder/model.safetensors.index.json",
    ]
    marked = [
        "text_encoder/model.fp16-00001-of-00001.safetensors",
        "text_encoder/model.fp16.safetensors.index.json",
    ]
    assert wanted(plain, [*names, *marked]) == names
    # transformers writes the variant before the shard's number, diffusers before the ending.
    fp16 = Baked(
        folder="wan", repository="a/b", revision=COMMIT, parts=("text_encoder",), variant="fp16"
    )
    assert wanted(fp16, [*names, *marked]) == marked


def test_a_kind_of_image_that_is_not_in_the_list_is_named() -> None:
    with pytest.raises(SystemExit, match="'sound'; it must be one of image, video"):
        read_models("sound")
