"""From a row of the table of film models to its pipelines on a device, or to a sentence why not.

As published, Wan2.1's transformer (5.7 GB) and text encoder (22.7 GB) are fp32; they are cast while
they are read. A folder written by `save_pretrained` after that is half as much to read.
"""

from dataclasses import dataclass
from typing import Any

import torch

from gpu_worker.engine.device import Device
from gpu_worker.engine.loading import describe_load_fault, location_of
from gpu_worker.engine.specs import FilmSpec, Source

#: The argument that says where: diffusers and transformers name it alike.
_NAME = "pretrained_model_name_or_path"


@dataclass(frozen=True, kw_only=True, slots=True)
class FilmPipelines:
    """Both are a `WanPipeline`; each has what its own part of the work needs."""

    #: Has the text encoder and its tokenizer.
    reading: Any
    #: Has transformer, scheduler and VAE.
    filming: Any


def load_film_pipelines(
    spec: FilmSpec, source: Source, device: Device, *, streams_text_encoder: bool = False
) -> FilmPipelines:
    """On `device`, ready to be called.

    Raises `GenerationError` whose message names model and source; its cause has the details.
    """
    try:
        return load(source, device, streams_text_encoder=streams_text_encoder)
    except Exception as error:
        raise describe_load_fault(spec, source, error) from error


def load(source: Source, device: Device, *, streams_text_encoder: bool) -> FilmPipelines:
    """Raises what diffusers and transformers raise."""
    # Hardly anything beside the picture pipelines (20 ms), and nothing where there are no films.
    from diffusers.pipelines.wan.pipeline_wan import WanPipeline  # noqa: PLC0415

    location = location_of(source)
    options: dict[str, Any] = {"dtype": device.dtype, "use_safetensors": True}
    parts: dict[str, Any] = {"text_encoder": None} if streams_text_encoder else {}
    if device.is_gpu:
        options["device_map"] = "cuda"
    pipeline: Any = WanPipeline.from_pretrained(**location, **options, **parts)
    pipeline.set_progress_bar_config(disable=True)
    if device.dtype == torch.float16:
        # bf16 has fp32's range and was made for it; what overflows in fp16 shows as black frames.
        pipeline.vae.to(torch.float32)
    if not streams_text_encoder:
        return FilmPipelines(reading=pipeline, filming=pipeline)
    reading: Any = WanPipeline(
        tokenizer=pipeline.tokenizer,
        text_encoder=_load_streamed(location, device),
        vae=pipeline.vae,
        scheduler=pipeline.scheduler,
    )
    return FilmPipelines(reading=reading, filming=pipeline)


def _load_streamed(location: dict[str, Any], device: Device) -> Any:
    """A text encoder in main memory, of which each layer is on the device while it computes."""
    from accelerate import cpu_offload  # noqa: PLC0415
    from transformers import UMT5EncoderModel  # noqa: PLC0415

    where = {key: value for key, value in location.items() if key != _NAME}
    encoder: Any = UMT5EncoderModel.from_pretrained(
        location[_NAME], subfolder="text_encoder", dtype=device.dtype, use_safetensors=True, **where
    )
    cpu_offload(encoder, execution_device=device.torch_device)
    return encoder
