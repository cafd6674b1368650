"""`bake --compile`: compiles baked models on this machine's GPU, for workers on GPUs of its kind.

In the image's build there is neither a GPU nor this code: it is for whoever fills a volume from a
machine with one.
"""

from pathlib import Path
from typing import Any

import torch

from gpu_worker.engine.compiling.choice import BAKED_COMPILATIONS, CompileChoice, CompileMode
from gpu_worker.engine.loading import choose_source
from gpu_worker.engine.specs import FILM_SPECS, PICTURE_SPECS
from gpu_worker.ports import EngineJob, no_frames
from shared.request import GenerationRequest, Text2ImgRequest, Text2VideoRequest

#: As often as a worker has to see a size before it compiles for it.
TIMES = 2


def compile_baked(out: Path, names: list[str]) -> str:
    """Sentences that say what was done for the models called `names` below `out`.

    Raises what loading and drawing raise.
    """
    if not torch.cuda.is_available():
        return "nothing is compiled: this machine has no GPU that torch can use"
    from gpu_worker.engine.model import Model  # noqa: PLC0415 - seconds, for nothing without a GPU

    said = []
    for name in names:
        picture, film = PICTURE_SPECS.get(name), FILM_SPECS.get(name)
        if picture is None and film is None:
            continue  # the image check
        model = Model(
            None if picture is None else (picture, choose_source(picture, None, out)),
            None if film is None else (film, choose_source(film, None, out)),
            compiled=CompileChoice(mode=CompileMode.ON, cache=out / BAKED_COMPILATIONS),
            baked=out,
        )
        # What people ask for who say nothing of sizes; a step of it is compiled as well as many.
        request: GenerationRequest = Text2ImgRequest(
            prompt="x", num_inference_steps=1, refiner_inference_steps=1
        )
        if picture is None:
            request = Text2VideoRequest(prompt="x", num_inference_steps=1)
        graphs = compile_model(model, request)
        said.append(f"{name}: {graphs} graphs compiled for {model.device.name}")
    return "; ".join(said)


def compile_model(model: Any, request: GenerationRequest) -> int:
    """How many graphs a `Model` has then: for what warms a worker up, and for `request`.

    It is warmed up as a worker is, since that is how the attention kernels are chosen: they are in
    the graphs, and a worker that had others would look for other ones.
    """
    model.warm_up()
    for _ in range(TIMES):
        job = EngineJob(job_id="bake", request=request, seed=0)
        model.generate(job, lambda _: None, lambda: None, no_frames)
    return 0 if model.compiling is None else model.compiling.compile_all()
