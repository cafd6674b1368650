"""Fetches the models of an image: `python bake.py image|video --out FOLDER`.

Each becomes a folder that EMBERFRAME_MODEL_DIR and its likes take, at the pinned commit, with
safetensors only. What is published in fp32 and marked so in models.toml is kept in bf16, a tensor
at a time, so that it needs memory for two shards of weights and not for the model.

Run in the image's build, beside huggingface_hub, safetensors and torch, without the rest of this
repository: it imports nothing of ours.
"""

import argparse
import json
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

MODELS_FILE = Path(__file__).with_name("models.toml")
WEIGHTS = ".safetensors"
#: Says which shard holds which tensor, and how many bytes they have together.
SHARD_INDEX = ".safetensors.index.json"
#: Tokenizers' tables and licences, besides every JSON file.
TEXT_SUFFIXES = (".json", ".txt", ".model", ".md")


@dataclass(frozen=True, kw_only=True, slots=True)
class Baked:
    """A row of models.toml."""

    folder: str
    repository: str
    #: A full commit id.
    revision: str
    #: Subfolders of the repository; none: what lies at its top.
    parts: tuple[str, ...]
    #: Which of the published weight files.
    variant: str | None = None
    #: What fp32 weights are kept in.
    precision: Literal["bf16"] | None = None


def read_models(kind: str, file: Path = MODELS_FILE) -> list[Baked]:
    """The models of an image of that kind. Ends the process for a kind that there is not."""
    tables = tomllib.loads(file.read_text())
    if kind not in tables:
        sys.exit(f"There are no models called {kind!r}; it must be one of {', '.join(tables)}.")
    table = tables[kind]
    return [
        Baked(**{**row, "folder": folder, "parts": tuple(row["parts"])})
        for folder, row in table.items()
    ]


def wanted(model: Baked, names: list[str]) -> list[str]:
    """Of a repository's files those that loading `model` reads. Raises `ValueError` where a part
    has no weights of the form and variant asked for, though it has some."""
    chosen: list[str] = []
    for part in ("", *model.parts):
        own = [it for it in names if it.rpartition("/")[0] == part]
        chosen += [it for it in own if it.endswith(TEXT_SUFFIXES) and SHARD_INDEX not in it]
        if part == "" and model.parts:
            continue  # whole-model files of other tools lie there
        chosen += _weights(model, part, own)
    return chosen


def _weights(model: Baked, part: str, own: list[str]) -> list[str]:
    """`x.fp16.safetensors` and `x.fp16-00001-of-00002.safetensors` are of the variant fp16."""
    marked = f".{model.variant}" if model.variant else ""
    found = []
    for name in own:
        stem = name.rpartition("/")[2].removesuffix(SHARD_INDEX).removesuffix(WEIGHTS)
        before_shard = stem.partition("-0")[0]
        is_weights = name.endswith((WEIGHTS, SHARD_INDEX))
        if is_weights and "." + before_shard.partition(".")[2] == (marked or "."):
            found.append(name)
    if not found and any(it.endswith((WEIGHTS, ".bin", ".msgpack")) for it in own):
        raise ValueError(
            f"{model.repository} has no {marked}{WEIGHTS} in {part or 'its top folder'} at "
            f"{model.revision}; it has {', '.join(sorted(own))}"
        )
    return found


def bake(model: Baked, out: Path) -> Path:
    """Make the folder of `model` below `out`; returns it."""
    from huggingface_hub import HfApi, snapshot_download  # noqa: PLC0415

    names = HfApi().list_repo_files(model.repository, revision=model.revision)
    folder = out / model.folder
    snapshot_download(
        model.repository,
        revision=model.revision,
        allow_patterns=wanted(model, names),
        local_dir=folder,
    )
    # The library's notes on what it fetched when.
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    if model.precision == "bf16":
        for part in model.parts:
            keep_as_bf16(folder / part)
    return folder


def keep_as_bf16(folder: Path) -> None:
    """Rewrite the fp32 tensors of the weights in `folder` as bf16; others stay as they are."""
    import torch  # noqa: PLC0415
    from safetensors import safe_open  # noqa: PLC0415
    from safetensors.torch import save_file  # noqa: PLC0415

    total = 0
    for file in sorted(folder.glob(f"*{WEIGHTS}")):
        tensors = {}
        with safe_open(file, framework="pt") as shard:
            metadata = shard.metadata()
            for name in shard.keys():  # noqa: SIM118 - it is no mapping
                tensor = shard.get_tensor(name)
                is_wide = tensor.dtype == torch.float32
                tensors[name] = tensor.to(torch.bfloat16) if is_wide else tensor
                total += tensors[name].nbytes
        fresh = file.with_suffix(".new")
        save_file(tensors, fresh, metadata=metadata)
        fresh.replace(file)
    for index in folder.glob(f"*{SHARD_INDEX}"):
        content: dict[str, Any] = json.loads(index.read_text())
        content["metadata"] = {**content.get("metadata", {}), "total_size": total}
        index.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", help="a table of models.toml: image, video")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--models", type=Path, default=MODELS_FILE, metavar="FILE")
    arguments = parser.parse_args()
    for model in read_models(arguments.kind, arguments.models):
        folder = bake(model, arguments.out)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        print(f"{folder}: {size / 1e9:.2f} GB of {model.repository} at {model.revision}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
