"""Brings the files of a row into a folder: of a repository, or of a folder of this machine, those
that loading reads and no others."""

import shutil
from pathlib import Path

from gpu_worker.engine.baking.narrowing import SHARD_INDEX, WEIGHTS
from gpu_worker.engine.baking.rows import Baked

#: Tokenizers' tables and licences, besides every JSON file.
TEXT_SUFFIXES = (".json", ".txt", ".model", ".md")


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


def fetch(model: Baked, folder: Path) -> None:
    """Bring the files of `model` into `folder`. Raises what the hub's library raises, `OSError` for
    a folder that cannot be read, `ValueError` where weights are missing."""
    if Path(model.repository).is_absolute():
        _copy(model, Path(model.repository), folder)
        return
    from huggingface_hub import HfApi, snapshot_download  # noqa: PLC0415

    names = HfApi().list_repo_files(model.repository, revision=model.revision)
    snapshot_download(
        model.repository,
        revision=model.revision,
        allow_patterns=wanted(model, names),
        local_dir=folder,
    )
    # The library's notes on what it fetched when.
    shutil.rmtree(folder / ".cache", ignore_errors=True)


def _copy(model: Baked, source: Path, folder: Path) -> None:
    names = [str(it.relative_to(source)) for it in source.rglob("*") if it.is_file()]
    for name in wanted(model, sorted(names)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)
