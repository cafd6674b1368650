"""The LoRAs that a worker offers, and which of them a request means. Knows nothing of their files.

Who writes a request gives a name and never a place: what may be loaded, the operator decides.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpu_worker.ports import FewSteps, LoraFile, Sampler, takes_few_steps
from shared.errors import InvalidInput
from shared.request import MAX_LORA_WEIGHT, GenerationRequest, ImageRequest, Lora


@dataclass(frozen=True, kw_only=True, slots=True)
class FewStepUse:
    """How a LoRA that was made for few steps is used."""

    steps: int
    sampler: Sampler
    guidance_scale: float = 1.0
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferedLora:
    """One LoRA, its file on this machine and checked."""

    name: str
    file: Path
    #: Lower-case hex.
    sha256: str
    #: The request's weight stays within ± this.
    max_weight: float = MAX_LORA_WEIGHT
    #: Requests of the tier `fast` are drawn with it.
    few_steps: FewStepUse | None = None

    def as_file(self, weight: float) -> LoraFile:
        return LoraFile(name=self.name, weight=weight, file=self.file, sha256=self.sha256)


def describe_loras(request: GenerationRequest | ImageRequest) -> dict[str, Any]:
    """What an output says of them: `loras`, where there are any."""
    asked = request.loras if isinstance(request, ImageRequest) else ()
    return {"loras": [lora.model_dump() for lora in asked]} if asked else {}


def describe_few_steps(used: FewSteps | None) -> dict[str, Any]:
    """What an output says of them: `few_steps`, where it was drawn so."""
    if used is None:
        return {}
    return {
        "few_steps": {
            "lora": used.lora.name,
            "weight": used.lora.weight,
            "num_inference_steps": used.steps,
            "guidance_scale": used.guidance_scale,
            "sampler": used.sampler.value,
        }
    }


class Loras:
    """What one worker offers for the model that it runs."""

    def __init__(self, offered: Iterable[OfferedLora] = ()) -> None:
        """Of two with one name the later counts."""
        self._offered = {lora.name: lora for lora in offered}

    @property
    def names(self) -> list[str]:
        """In alphabetical order."""
        return sorted(self._offered)

    def find(self, request: GenerationRequest) -> tuple[LoraFile, ...]:
        """Those that the request asks for, in its order.

        Raises `InvalidInput` for a name that is not offered and for too much of one.
        """
        if not isinstance(request, ImageRequest):
            return ()
        return tuple(self._find(f"loras[{index}]", it) for index, it in enumerate(request.loras))

    def few_steps(self, request: GenerationRequest) -> FewSteps | None:
        """How a picture of the tier `fast` is drawn where the operator has a LoRA for that.

        None for one that names that LoRA itself: it says its steps too.
        """
        for lora in self._offered.values():
            use = lora.few_steps
            if use is None or not takes_few_steps(request):
                continue
            if isinstance(request, ImageRequest) and lora.name in [it.name for it in request.loras]:
                continue
            return FewSteps(
                lora=lora.as_file(use.weight),
                steps=use.steps,
                guidance_scale=use.guidance_scale,
                sampler=use.sampler,
            )
        return None

    def _find(self, place: str, asked: Lora) -> LoraFile:
        offered = self._offered.get(asked.name)
        if offered is None:
            names = ", ".join(self.names)
            allowed = f"it must be one of {names}" if names else "this worker offers no LoRAs"
            raise InvalidInput(f"{place}.name is {json.dumps(asked.name)}; {allowed}.")
        most = offered.max_weight
        if abs(asked.weight) > most:
            raise InvalidInput(
                f"{place}.weight is {asked.weight:g}; of {asked.name} it must be a number from "
                f"{-most:g} to {most:g}."
            )
        return offered.as_file(asked.weight)
