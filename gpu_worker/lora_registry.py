"""Reads the operator's registry of LoRAs: a TOML file with a table for each, checked as a whole.

A file is pinned by its SHA-256 and looked at only after that was found right: who changes it, on
this machine or on the hub, changes nothing of what is loaded.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gpu_worker.engine.specs import NO_MODEL, PICTURE_SPECS
from gpu_worker.loras import FewStepUse, Loras, OfferedLora
from gpu_worker.ports import Sampler
from shared.request import LORA_NAME_PATTERN, LORA_NAME_WORDS, MAX_LORA_WEIGHT

SUFFIX = ".safetensors"
CHUNK_BYTES = 2**20
MAX_SHOWN_CHARACTERS = 60
#: Keys of a LoRA's few_steps.
FEW_STEPS = {"steps", "sampler", "guidance_scale", "weight"}
#: More is what a model does without a LoRA.
MOST_FEW_STEPS = 16
#: Of a request's.
MAX_GUIDANCE = 30
FEW_STEPS_WORDS = (
    f"a table of steps (1 to {MOST_FEW_STEPS}), sampler ({', '.join(Sampler)}) and, where it is "
    f"not 1, guidance_scale (up to {MAX_GUIDANCE}) or weight (up to {MAX_LORA_WEIGHT})"
)

#: Repository, revision, file in the repository → where it lies on this machine.
Fetch = Callable[[str, str, str], Path]
Table = Mapping[str, Any]


class RegistryFault(Exception):
    """The registry cannot be used; says why, a sentence a line."""


def _is_weight(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value <= MAX_LORA_WEIGHT


def _is_few_steps(value: object) -> bool:
    if not isinstance(value, dict) or not {"steps", "sampler"} <= value.keys() <= FEW_STEPS:
        return False
    steps, guidance = value["steps"], value.get("guidance_scale", 1.0)
    return (
        type(steps) is int
        and 1 <= steps <= MOST_FEW_STEPS
        and value["sampler"] in list(Sampler)
        and type(guidance) in (int, float)
        and 0 <= guidance <= MAX_GUIDANCE
        and _is_weight(value.get("weight", 1.0))
    )


def _matches(pattern: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _are_models(value: object) -> bool:
    known = list(PICTURE_SPECS)
    return isinstance(value, list) and bool(value) and all(it in known for it in value)


#: Key → whether a value is right, and what is.
KEYS: dict[str, tuple[Callable[[object], bool], str]] = {
    "file": (_matches(rf".+\{SUFFIX}"), f"the path of a {SUFFIX} file"),
    "repository": (_matches(r"[\w.-]+/[\w.-]+"), "a repository of the hub, owner/name"),
    "revision": (_matches(r"[0-9a-f]{40}"), "a full commit id, 40 hex digits"),
    "weight_name": (_matches(rf".+\{SUFFIX}"), f"the name of a {SUFFIX} file in the repository"),
    "sha256": (_matches(r"[0-9a-fA-F]{64}"), "the SHA-256 of the file, 64 hex digits"),
    "models": (_are_models, f"a list of models: {', '.join(PICTURE_SPECS)}"),
    "max_weight": (_is_weight, f"a number above 0 and up to {MAX_LORA_WEIGHT}"),
    "few_steps": (_is_few_steps, FEW_STEPS_WORDS),
}
LOCAL = ("file", "sha256")
ON_THE_HUB = ("repository", "revision", "weight_name", "sha256")


def fetch_from_hub(repository: str, revision: str, name: str) -> Path:
    """What lies in the hub's cache is taken from there, without asking the hub."""
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 - half a second, only where it is used
    from huggingface_hub.utils.tqdm import disable_progress_bars  # noqa: PLC0415

    disable_progress_bars()
    return Path(hf_hub_download(repository, name, revision=revision))


def offered_loras(
    registry: Path | None,
    model: str,
    *,
    model_dir: Path | None = None,
    fetch: Fetch = fetch_from_hub,
) -> Loras:
    """The model's own LoRAs and the registry's, which win over those. Raises `RegistryFault`.

    With a `model_dir` the model is another one, and has none of its own.
    """
    spec = PICTURE_SPECS.get(model)
    own = spec.own_loras if spec is not None and model_dir is None else ()
    offered = [
        OfferedLora(name=file.stem, file=file, sha256=hash_of(file))
        for file in own
        if file.is_file()
    ]
    if registry is not None and model != NO_MODEL:
        offered += _read(registry, model, fetch)
    return Loras(offered)


def hash_of(file: Path) -> str:
    """The SHA-256 of the content, in lower-case hex. Raises `OSError`."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _read(registry: Path, model: str, fetch: Fetch) -> list[OfferedLora]:
    try:
        tables = tomllib.loads(registry.read_text(encoding="utf-8"))
    except OSError as error:
        raise RegistryFault(f"{registry} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # of TOML and of UTF-8
        raise RegistryFault(f"{registry} is not TOML: {error}.") from None
    faults = [f"{registry}: {fault}" for name, it in tables.items() for fault in _faults(name, it)]
    if faults:
        raise RegistryFault("\n".join(faults))
    offered = []
    for name, table in tables.items():
        if model in table.get("models", [model]):
            try:
                offered.append(_offer(name, table, registry.parent, fetch))
            except RegistryFault as fault:
                faults.append(f"{registry}: [{name}] {fault}")
    used = [it.name for it in offered if it.few_steps is not None]
    if len(used) > 1:
        faults.append(f"{registry}: {', '.join(used)} have few_steps; one for {model} may have.")
    if faults:
        raise RegistryFault("\n".join(faults))
    return offered


def _faults(name: str, table: object) -> list[str]:
    """What is wrong with one table as it is written, a sentence each."""
    if re.fullmatch(LORA_NAME_PATTERN, name) is None:
        return [f"[{_shown(name)}] is no name; it must be {LORA_NAME_WORDS}."]
    if not isinstance(table, dict):
        return [f"{name} is {_shown(table)}; it must be a table, [{name}]."]
    faults = [
        f"[{name}] has a key {_shown(key)}; known are: {', '.join(KEYS)}."
        for key in table
        if key not in KEYS
    ]
    faults += [
        f"[{name}] {key} is {_shown(table[key])}; it must be {allowed}."
        for key, (is_right, allowed) in KEYS.items()
        if key in table and not is_right(table[key])
    ]
    if "file" in table and not {"repository", "revision", "weight_name"}.isdisjoint(table):
        faults.append(f"[{name}] has a file and a place on the hub; it must have one of them.")
    else:
        needed = LOCAL if "repository" not in table else ON_THE_HUB
        faults += [
            f"[{name}] has no {key}; it must be {KEYS[key][1]}."
            for key in needed
            if key not in table
        ]
    return faults


def _offer(name: str, table: Table, folder: Path, fetch: Fetch) -> OfferedLora:
    try:
        if "file" in table:
            file = folder / table["file"]
        else:
            file = fetch(table["repository"], table["revision"], table["weight_name"])
    except Exception as error:
        place = f"{table['repository']} at {table['revision']}"
        reason = str(error).strip().partition("\n")[0][:200]
        raise RegistryFault(
            f"cannot be fetched from {place}: {type(error).__name__}: {reason}"
        ) from error
    try:
        found = hash_of(file)
    except (OSError, ValueError) as error:  # a NUL in a path is a ValueError
        reason = getattr(error, "strerror", None) or "it is no path"
        raise RegistryFault(f"{file} cannot be read: {reason}.") from None
    if found != table["sha256"].lower():
        raise RegistryFault(f"sha256 is {table['sha256']}, but that of {file} is {found}.")
    weight = float(table.get("max_weight", MAX_LORA_WEIGHT))
    few_steps = FewStepUse(**table["few_steps"]) if "few_steps" in table else None
    return OfferedLora(
        name=name, file=file.absolute(), sha256=found, max_weight=weight, few_steps=few_steps
    )


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[:MAX_SHOWN_CHARACTERS] + "…"
