"""Which modules of the loaded models are compiled, on which devices, and what is kept of that."""

import importlib.util
import logging
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch

from gpu_worker.engine.baking.manifest import Manifest, ManifestFault
from gpu_worker.engine.compiling.background import Compiling
from gpu_worker.engine.compiling.choice import BAKED_COMPILATIONS, CompileChoice, CompileMode
from gpu_worker.engine.compiling.compiled_module import INDUCTOR, CompiledModule
from gpu_worker.engine.compiling.kept import KeptCompilations
from gpu_worker.engine.device import Device, free_memory
from gpu_worker.engine.drawing import Drawing
from gpu_worker.engine.filming import Filming
from gpu_worker.engine.specs import HubSource, Source

LOG = logging.getLogger(__name__)

#: What one evaluation needs beside a job's own: estimated from what a film of 720p takes, the most.
ROOM_BYTES = 6 * 10**9
#: One of them: the programs that start the GPU's kernels are C, on a CPU all are C++.
C_COMPILERS = ("cc", "gcc", "clang")


def is_wanted(mode: CompileMode, *, gpu: bool) -> bool:
    """AUTO compiles where the kernels' compiler and one of C are found."""
    if mode is not CompileMode.AUTO:
        return mode is CompileMode.ON
    if not gpu:
        return False
    found = importlib.util.find_spec("triton") is not None and any(map(shutil.which, C_COMPILERS))
    if not found:
        LOG.info("models run eagerly: there is no triton, or none of %s", ", ".join(C_COMPILERS))
    return found


def attach(
    choice: CompileChoice,
    device: Device,
    drawing: Drawing | None,
    filming: Filming | None,
    *,
    sources: Mapping[str, Source],
    baked: Path | None = None,
    backend: str = INDUCTOR,
) -> Compiling | None:
    """None where nothing is to be compiled. `sources` by the models' names."""
    if not is_wanted(choice.mode, gpu=device.is_gpu):
        return None
    modules: list[CompiledModule] = []
    if drawing is not None:
        # The layers that LoRAs were put around are others than those that were compiled.
        named: dict[str, Any] = {"whole": True, "usable": drawing.is_plain, "backend": backend}
        modules += [CompiledModule(name, it, **named) for name, it in drawing.unets().items()]
    if filming is not None:
        transformer = filming.transformer
        modules.append(CompiledModule("transformer", transformer, whole=False, backend=backend))
    kept = []
    if choice.cache is not None:
        others = () if baked is None else (baked / BAKED_COMPILATIONS,)
        key = {
            "device": device.name,
            "precision": device.precision.value,
            "backend": backend,
            "torch": torch.__version__,
            "cuda": str(torch.version.cuda),
            "diffusers": diffusers.__version__,
            "python": platform.python_version(),
        }
        # One each, so that a worker with both finds what was baked for either.
        for name, source in sources.items():
            whole = {"model": name, "revision": _revision(source), **key}
            kept.append(KeptCompilations(choice.cache, whole, others=others))
    return Compiling(modules, kept, has_room=lambda: _has_room(device))


def _has_room(device: Device) -> bool:
    return not device.is_gpu or free_memory(device) >= ROOM_BYTES


def _revision(source: Source) -> str:
    """Of a folder that nobody baked, its name: torch compares what it loads with what it needs."""
    if isinstance(source, HubSource):
        return source.revision
    try:
        return Manifest.read(source.folder).rows[0].revision
    except ManifestFault:
        return source.folder.name
