"""Rewrites fp32 weights in two bytes a number, a tensor at a time: it needs memory for two shards
and not for the model."""

import json
from pathlib import Path
from typing import Any, Literal

#: Says which shard holds which tensor, and how many bytes they have together.
SHARD_INDEX = ".safetensors.index.json"
WEIGHTS = ".safetensors"


def narrow(folder: Path, precision: Literal["bf16", "fp16"]) -> None:
    """Rewrite the fp32 tensors of the weights in `folder`; others stay as they are.

    Raises `ValueError` where a finite number would become infinite: fp16 ends at 65504.
    """
    import torch  # noqa: PLC0415 - the command's help needs none
    from safetensors import safe_open  # noqa: PLC0415
    from safetensors.torch import save_file  # noqa: PLC0415

    narrower = {"bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    total = 0
    for file in sorted(folder.glob(f"*{WEIGHTS}")):
        tensors = {}
        with safe_open(file, framework="pt") as shard:
            metadata = shard.metadata()
            for name in shard.keys():  # noqa: SIM118 - it is no mapping
                tensor = shard.get_tensor(name)
                kept = tensor.to(narrower) if tensor.dtype == torch.float32 else tensor
                if kept is not tensor and bool((kept.isinf() & tensor.isfinite()).any()):
                    raise ValueError(f"{file}: {name} has numbers too large for {precision}")
                tensors[name] = kept
                total += kept.nbytes
        fresh = file.with_suffix(".new")
        save_file(tensors, fresh, metadata=metadata)
        fresh.replace(file)
    for index in folder.glob(f"*{SHARD_INDEX}"):
        content: dict[str, Any] = json.loads(index.read_text())
        content["metadata"] = {**content.get("metadata", {}), "total_size": total}
        index.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
