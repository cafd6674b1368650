"""Our engine around modules with random weights: the worker's own `Model`, but for the loading.

So whatever a worker does to its models is done here too: residency, layout and fused projections,
attention kernels by the trial of its warm-up, compiled graphs. Two things differ. Texts are read
anew each time, since the stock call remembers none; and graphs are compiled before what is timed
and not in the background.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from unittest.mock import patch

from bench.gpu_models import Size
from bench.gpu_parts import Parts, film_pipelines, picture_pipelines
from gpu_worker.engine import model as engine
from gpu_worker.engine.compiling import attaching
from gpu_worker.engine.compiling.choice import CompileChoice, CompileMode
from gpu_worker.engine.compiling.compiled_module import INDUCTOR, OFTEN
from gpu_worker.engine.device import Device
from gpu_worker.engine.model import Model
from gpu_worker.engine.specs import SDXL, WAN
from gpu_worker.engine.speed_options import SpeedOptions

NOTHING_REMEMBERED = SpeedOptions(text_cache_mebibytes=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineWays:
    """What is chosen by hand of how the engine works."""

    compile: CompileMode = CompileMode.AUTO
    #: Of `torch.compile`; another than the worker's is for trying the way there.
    backend: str = INDUCTOR
    #: On a CPU; None: all.
    cpu_threads: int | None = None


def picture_engine(size: Size, device: Device, ways: EngineWays) -> Model:
    """Warmed up, as a worker that is ready."""
    spec = replace(SDXL, cpu_threads=ways.cpu_threads)

    def load(*_: Any) -> Any:
        return picture_pipelines(Parts(size, device.torch_device, device.dtype))

    with _wired("load_pipelines", load, ways):
        model = Model((spec, spec.source), **_options(device, ways))
    model.warm_up()
    return model


def film_engine(size: Size, device: Device, ways: EngineWays) -> Model:
    """Warmed up, as a worker that is ready."""
    spec = replace(WAN, cpu_threads=ways.cpu_threads)
    if size.film not in WAN.native_sizes:
        spec = replace(spec, native_sizes=(size.film,), draws_any_size=False)

    def load(*_: Any, **__: Any) -> Any:
        return film_pipelines(Parts(size, device.torch_device, device.dtype))

    with _wired("load_film_pipelines", load, ways):
        model = Model(None, (spec, spec.source), **_options(device, ways))
    model.warm_up()
    return model


def compile_for(model: Model, call: Callable[[], Any]) -> None:
    """After it `call` runs compiled, if this engine compiles: it was made often enough for that."""
    if model.compiling is None:
        return
    for _ in range(OFTEN):
        call()
    model.compiling.compile_all()


@contextmanager
def _wired(loader: str, load: Callable[..., Any], ways: EngineWays) -> Iterator[None]:
    attach = partial(attaching.attach, backend=ways.backend)
    with patch.object(engine, loader, load), patch.object(attaching, "attach", attach):
        yield


def _options(device: Device, ways: EngineWays) -> dict[str, Any]:
    return {
        "precision": device.precision,
        "speed": NOTHING_REMEMBERED,
        "compiled": CompileChoice(mode=ways.compile),
    }
