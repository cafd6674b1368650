"""LoRAs on a model's shared modules: loaded when first asked for, kept, on for one job at a time.

diffusers puts a wrapper around each layer that a LoRA changes. Switched off, the wrapper calls the
layer and nothing else, so that a job without LoRAs gets the very numbers that it got before any.
"""

import logging
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from diffusers.utils import peft_utils
from safetensors import safe_open

from gpu_worker.engine.faults import is_out_of_memory
from gpu_worker.lora_registry import hash_of
from gpu_worker.ports import LoraFile
from shared.errors import ErrorCode, GenerationError, InvalidInput

LOG = logging.getLogger(__name__)

#: Kept at once: some hundred MB each for SDXL, and every wrapper costs a little time in every step.
MAX_KEPT = 8
#: Untyped.
PEFT: Any = peft_utils
#: The modules that a LoRA may change.
MODULES = ("unet", "text_encoder", "text_encoder_2")


class LoraShelf:
    """The LoRAs of one base pipeline, and through its modules of all that share them."""

    def __init__(
        self, pipeline: Any, model: str, on_switch: Callable[[bool], None] | None = None
    ) -> None:
        """`model` is its name, for sentences. `on_switch` is told when LoRAs go on or off."""
        self._on_switch = on_switch
        self._pipeline = pipeline
        self._model = model
        self._modules = [getattr(pipeline, name) for name in MODULES]
        #: Names of those that are loaded, the one used longest ago first.
        self._kept: OrderedDict[str, None] = OrderedDict()
        self._on = False

    @property
    def is_empty(self) -> bool:
        return not self._kept

    @property
    def is_on(self) -> bool:
        """True while a job has some on."""
        return self._on

    @contextmanager
    def applied(self, asked: Sequence[LoraFile], chosen: Sequence[LoraFile] = ()) -> Iterator[None]:
        """Within it the modules are changed by what a request `asked` for and what the operator has
        `chosen`, after it they are as they came.

        Raises `GenerationError` for a file that is not the registered one, or not of this model.
        """
        counted = _counted((*asked, *chosen))
        if not counted:
            yield
            return
        try:
            for lora in counted:
                place = f"loras[{asked.index(lora)}].name" if lora in asked else None
                self._have(place, lora, counted)
            self._pipeline.set_adapters(
                [_adapter(lora.name) for lora in counted], [lora.weight for lora in counted]
            )
            self._switch(on=True)
            yield
        finally:
            self._switch(on=False)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Within `applied`: the modules once as they came, for a refiner that shares some."""
        if not self._on:
            yield
            return
        self._switch(on=False)
        try:
            yield
        finally:
            self._switch(on=True)

    def _have(self, place: str | None, lora: LoraFile, needed: Sequence[LoraFile]) -> None:
        """`place` is where the request asks for it, if it does."""
        if lora.name in self._kept:
            self._kept.move_to_end(lora.name)
            return
        _check_content(lora)
        if len(self._kept) >= MAX_KEPT:
            names = {it.name for it in needed}
            self._drop(next(name for name in self._kept if name not in names))
        try:
            with warnings.catch_warnings():
                # That there are several, and which is active: each job says which are.
                warnings.simplefilter("ignore")
                self._load(lora)
        except Exception as error:
            self._drop(lora.name)
            if is_out_of_memory(error):
                raise
            reason = str(error).partition("\n")[0][:200]
            LOG.warning("LoRA %s: %s: %s", lora.name, type(error).__name__, reason)
            if place is None:
                raise GenerationError(
                    ErrorCode.INTERNAL,
                    f"The LoRA {lora.name}, with which this worker draws fast pictures, does not "
                    f"fit the model {self._model}.",
                ) from error
            raise InvalidInput(
                f"{place} is {lora.name}, which does not fit the model {self._model}; leave it out."
            ) from error
        self._kept[lora.name] = None

    def _load(self, lora: LoraFile) -> None:
        """Raises what diffusers, peft or safetensors raise; parts may then be loaded."""
        adapter = _adapter(lora.name)
        self._pipeline.load_lora_weights(
            str(lora.file.parent),
            weight_name=lora.file.name,
            adapter_name=adapter,
            # Else it would look for a pickle where it finds no safetensors, and on the hub.
            use_safetensors=True,
            local_files_only=True,
        )
        # What fits in part only is loaded in part, and in silence.
        with safe_open(lora.file, framework="pt") as content:
            given = sum(not key.endswith(".alpha") for key in content.keys())  # noqa: SIM118 - no mapping
        loaded = [
            (value, module)
            for module in self._modules
            for name, value in module.named_parameters()
            if f".{adapter}." in name
        ]
        if len(loaded) != given:
            raise ValueError(f"{given} tensors in the file, of which {len(loaded)} have a place")
        for value, module in loaded:
            value.data = value.data.to(module.device, module.dtype)

    def _drop(self, name: str) -> None:
        """Delete all that is there of it, which after a failure may be any part."""
        self._kept.pop(name, None)
        if not self._kept:
            self._pipeline.unload_lora_weights()
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for module in self._modules:
                PEFT.delete_adapter_layers(module, _adapter(name))
                getattr(module, "peft_config", {}).pop(_adapter(name), None)

    def _switch(self, *, on: bool) -> None:
        self._on = on
        if self._on_switch is not None:
            self._on_switch(on)
        for module in self._modules:
            PEFT.set_adapter_layers(module, enabled=on)


def loras_on(wanted: Sequence[LoraFile]) -> tuple[tuple[str, float], ...]:
    """All that the modules of a picture depend on: contents and weights, in their order."""
    return tuple((lora.sha256, lora.weight) for lora in _counted(wanted))


def _counted(wanted: Sequence[LoraFile]) -> list[LoraFile]:
    # With none of it the picture is the one without it, to the bit.
    return [lora for lora in wanted if lora.weight != 0]


def _adapter(name: str) -> str:
    """As peft knows it: apart from the names of its own parts, which a LoRA might have too."""
    return f"adapter-{name}"


def _check_content(lora: LoraFile) -> None:
    try:
        found = hash_of(lora.file)
    except OSError as error:
        LOG.warning("LoRA %s cannot be read: %s", lora.name, error.strerror)
        found = ""
    if found != lora.sha256:
        raise GenerationError(
            ErrorCode.INTERNAL,
            f"The file of the LoRA {lora.name} is no longer the one that this worker was given.",
        )
