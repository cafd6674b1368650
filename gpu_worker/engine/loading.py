"""From a row of the model table to a pipeline on its device, or to a sentence that says why not.

The same `from_pretrained` call serves the hub, a folder baked into an image and the embedded
checkpoint.
"""

import os
from pathlib import Path
from typing import Any

from gpu_worker.engine.baked import prefer_baked
from gpu_worker.engine.specs import (
    INDEX_FILE,
    REFINER_FOLDER,
    FolderSource,
    HubSource,
    ModelSpec,
    PictureSpec,
    Source,
)
from shared.errors import ErrorCode, GenerationError

#: Said before any of the libraries is imported: they read it once.
QUIET = {
    # Warnings of both quote parts of prompts ("the following part of your input was truncated").
    "DIFFUSERS_VERBOSITY": "error",
    "TRANSFORMERS_VERBOSITY": "error",
    "TQDM_DISABLE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


def choose_source(spec: ModelSpec, folder: Path | None, baked: Path | None = None) -> Source:
    """`folder` stands in for the spec's own source, and so does what was baked of that below
    `baked`. Raises `GenerationError` if it is no model."""
    if folder is not None:
        source: Source = FolderSource(folder=folder, variant=_variant(folder))
    else:
        refiner = spec.refiner if isinstance(spec, PictureSpec) else None
        source = prefer_baked(spec.name, spec.source, baked, refiner=refiner)
    if isinstance(source, FolderSource) and not _is_model(source.folder):
        raise GenerationError(
            ErrorCode.INTERNAL,
            f"The model {spec.name} cannot be loaded: {source.folder} has no {INDEX_FILE}; "
            "it must be the folder of a diffusers checkpoint.",
        )
    return source


def quieten(*sources: Source) -> None:
    """Set the environment of the libraries; call before they are imported."""
    os.environ.update(QUIET)
    if all(isinstance(source, FolderSource) for source in sources):
        os.environ["HF_HUB_OFFLINE"] = "1"


def find_refiner(spec: PictureSpec, source: Source) -> Source | None:
    """The refiner of the model at `source`, if it has one."""
    if not isinstance(source, FolderSource):
        return spec.refiner
    folder = source.folder / REFINER_FOLDER
    return FolderSource(folder=folder, variant=_variant(folder)) if _is_model(folder) else None


def load_pipelines(spec: PictureSpec, source: Source, device: Any) -> Any:
    """The `Pipelines` on `device` (a `Device`), ready to be called.

    Raises `GenerationError` whose message names model and source; its cause has the details.
    """
    try:
        return _load(spec, source, device)
    except Exception as error:
        raise describe_load_fault(spec, source, error) from error


def describe_load_fault(spec: ModelSpec, source: Source, error: Exception) -> GenerationError:
    """A sentence with model, place and the first line of the reason."""
    reason = str(error).strip().partition("\n")[0][:200]
    return GenerationError(
        ErrorCode.INTERNAL,
        f"The model {spec.name} cannot be loaded from {place_of(source)}: {reason}",
    )


def _load(spec: PictureSpec, source: Source, device: Any) -> Any:
    import torch  # noqa: PLC0415 - choose_source must be able to refuse before torch is paid for
    from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import (  # noqa: PLC0415
        StableDiffusionXLPipeline,
    )
    from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl_img2img import (  # noqa: PLC0415
        StableDiffusionXLImg2ImgPipeline,
    )

    from gpu_worker.engine.pipelines import Pipelines  # noqa: PLC0415

    options: dict[str, Any] = {
        "dtype": device.dtype,
        "use_safetensors": True,
        "add_watermarker": False,
    }
    if device.is_gpu:
        options["device_map"] = "cuda"  # straight to the GPU, without a copy in main memory
    own_vae: dict[str, Any] = {}
    if device.dtype == torch.float16 and spec.fp16_vae is not None and source is spec.source:
        own_vae["vae"] = _load_vae(spec.fp16_vae, device)
    pipeline: Any = StableDiffusionXLPipeline.from_pretrained(
        **location_of(source), **options, **own_vae
    )
    if device.dtype == torch.float16 and pipeline.vae.config.force_upcast:
        pipeline.vae.to(torch.float32)  # slow and right, where there is no VAE made for fp16
    pipeline.set_progress_bar_config(disable=True)
    refiner_source = find_refiner(spec, source)
    if refiner_source is None:
        return Pipelines.around(pipeline, None)
    refiner: Any = StableDiffusionXLImg2ImgPipeline.from_pretrained(
        **location_of(refiner_source),
        **options,
        text_encoder_2=pipeline.text_encoder_2,
        tokenizer_2=pipeline.tokenizer_2,
        vae=pipeline.vae,
    )
    refiner.set_progress_bar_config(disable=True)
    return Pipelines.around(pipeline, refiner)


def _load_vae(source: Source, device: Any) -> Any:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL  # noqa: PLC0415

    vae = AutoencoderKL.from_pretrained(
        **location_of(source), dtype=device.dtype, use_safetensors=True
    )
    return vae.to(device.torch_device)


def location_of(source: Source) -> dict[str, Any]:
    """What `from_pretrained` wants to know."""
    match source:
        case HubSource(repository=repository, revision=revision, variant=variant):
            where = {"pretrained_model_name_or_path": repository, "revision": revision}
        case FolderSource(folder=folder, variant=variant):
            where = {"pretrained_model_name_or_path": str(folder)}
    return {**where, "variant": variant} if variant else dict(where)


def _is_model(folder: Path) -> bool:
    return (folder / INDEX_FILE).is_file()


def _variant(folder: Path) -> str | None:
    return "fp16" if any(folder.glob("*/*.fp16.safetensors")) else None


def place_of(source: Source) -> str:
    """For a sentence."""
    return str(source.folder) if isinstance(source, FolderSource) else source.repository
