"""From a row of the table of film models to a pipeline on its device, or to a sentence why not."""

from typing import Any

from gpu_worker.engine.loading import describe_load_fault, location_of
from gpu_worker.engine.specs import FilmSpec, Source


def load_film_pipeline(spec: FilmSpec, source: Source, device: Any) -> Any:
    """A `WanPipeline` on `device` (a `Device`), ready to be called.

    Raises `GenerationError` whose message names model and source; its cause has the details.
    """
    try:
        return _load(source, device)
    except Exception as error:
        raise describe_load_fault(spec, source, error) from error


def _load(source: Source, device: Any) -> Any:
    # Hardly anything beside the picture pipelines (20 ms), and nothing where there are no films.
    from diffusers.pipelines.wan.pipeline_wan import WanPipeline  # noqa: PLC0415

    options: dict[str, Any] = {"dtype": device.dtype, "use_safetensors": True}
    if device.is_gpu:
        options["device_map"] = "cuda"
    pipeline: Any = WanPipeline.from_pretrained(**location_of(source), **options)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
