"""What `once` makes and prints: files in a folder, and the seed's result shape with their paths."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from gpu_worker.loras import describe_few_steps, describe_loras
from gpu_worker.media.film_codec import FilmOptions
from gpu_worker.media.film_file import describe_drawing, film_of, make_film_files
from gpu_worker.media.film_writer import FilmWriter
from gpu_worker.media.picture_file import EncodedFile
from gpu_worker.media.result_file import encode_result
from gpu_worker.ports import EngineResult, Frames, no_frames
from shared.request import GenerationRequest, ImageRequest, Text2VideoRequest

#: Runs the engine; it hands a film's frames on to what it is given.
Generate: TypeAlias = Callable[[Callable[[Frames], None]], EngineResult]


def make_output(
    generate: Generate, request: GenerationRequest, films: FilmOptions, out: Path, stem: str
) -> dict[str, Any]:
    """Files below `out` that are called `{stem}-{seed}…`, and what to print of them."""
    if isinstance(request, ImageRequest):
        return _make_pictures(generate, request, out, stem)
    return _make_film(generate, request, films, out, stem)


def _make_pictures(
    generate: Generate, request: ImageRequest, out: Path, stem: str
) -> dict[str, Any]:
    result = generate(no_frames)
    paths = []
    for picture in result.pictures:
        encoded = encode_result(picture, result, request, embed_metadata=True)
        paths.append(_write(out, f"{stem}-{picture.seed}", encoded))
    return {
        "image_url": paths[0],
        "images": paths,
        "seed": result.pictures[0].seed,
        "model": result.model,
        "native_size": list(result.native_size),
        "refiner": result.refiner,
        "prompt_truncated": result.prompt_truncated,
        "speed_tier": request.speed_tier.value,
        **describe_loras(request),
        **describe_few_steps(result.few_steps),
        "timings": _rounded(result),
    }


def _make_film(
    generate: Generate, request: Text2VideoRequest, films: FilmOptions, out: Path, stem: str
) -> dict[str, Any]:
    with FilmWriter(fps=request.fps, options=films) as writer:
        result = generate(writer.add)
        started = time.monotonic()
        data = writer.finish()
        encode_seconds = time.monotonic() - started
    made = make_film_files(data, writer.stills, result, request, embed_metadata=True)
    name = f"{stem}-{film_of(result).seed}"
    path = _write(out, name, made.film)
    small = {
        "poster_url": _write(out, f"{name}.poster", made.poster),
        **({"preview_url": _write(out, f"{name}.preview", made.preview)} if made.preview else {}),
    }
    return {
        "video_url": path,
        "videos": [path],
        "video_info": made.facts.to_document(),
        "seed": film_of(result).seed,
        **small,
        **describe_drawing(result, request),
        "native_size": list(result.native_size),
        "timings": {**_rounded(result), "encode_film": round(encode_seconds, 3)},
    }


def _write(out: Path, name: str, file: EncodedFile) -> str:
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.{file.extension}"
    path.write_bytes(file.data)
    return str(path)


def _rounded(result: EngineResult) -> dict[str, float]:
    return {stage: round(seconds, 3) for stage, seconds in result.timings.items()}
