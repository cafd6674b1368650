"""The files of one film, as its request wants them: the film itself and what shows it in lists."""

import logging
from dataclasses import dataclass
from typing import Any

from gpu_worker.media.film_probe import FilmFacts, probe_film
from gpu_worker.media.film_stills import FilmStills, make_animation
from gpu_worker.media.film_tags import tagged
from gpu_worker.media.metadata import describe_filming
from gpu_worker.media.picture_file import EncodedFile, encode_picture
from gpu_worker.media.thumbnail import make_thumbhash, make_thumbnail
from gpu_worker.ports import EngineResult, Film
from shared.errors import ErrorCode, GenerationError
from shared.json_log import trace_of
from shared.request import OutputFormat, Text2VideoRequest

log = logging.getLogger(__name__)

CONTENT_TYPE = "video/mp4"


@dataclass(frozen=True, kw_only=True, slots=True)
class FilmFiles:
    film: EncodedFile
    #: Measured from the file.
    facts: FilmFacts
    #: The first frame, in the film's size.
    poster: EncodedFile
    thumbnail: EncodedFile
    thumbhash: str
    #: A small animation, where the operator wants one.
    preview: EncodedFile | None


def film_of(result: EngineResult) -> Film:
    """Raises `GenerationError` when the engine made none."""
    if result.film is None:
        raise GenerationError(ErrorCode.INTERNAL, "The engine did not make a film.")
    return result.film


def make_film_files(
    data: bytes,
    stills: FilmStills,
    result: EngineResult,
    request: Text2VideoRequest,
    *,
    embed_metadata: bool,
) -> FilmFiles:
    """`data` and `stills` are a writer's. Raises `GenerationError` unless they are complete."""
    made = film_of(result)
    try:
        if embed_metadata:
            metadata = describe_filming(request, seed=made.seed, model=result.model)
            data = tagged(data, title=metadata.parameters, comment=metadata.json)
        facts = probe_film(data)
    except ValueError as error:
        fields = trace_of(error)
        log.error("the encoder's file is not as expected", extra={"fields": fields})  # noqa: TRY400
        raise GenerationError(ErrorCode.INTERNAL, "The film's file cannot be read.") from error
    if (facts.frames, (facts.width, facts.height)) != (made.frames, made.size):
        raise GenerationError(
            ErrorCode.INTERNAL,
            f"The film's file has {facts.frames} frames of {facts.width}x{facts.height}; it must "
            f"have {made.frames} of {made.size[0]}x{made.size[1]}.",
        )
    if stills.first is None:
        raise GenerationError(ErrorCode.INTERNAL, "The film has no frame.")
    return FilmFiles(
        film=EncodedFile(
            data=data,
            content_type=CONTENT_TYPE,
            extension="mp4",
            width=facts.width,
            height=facts.height,
        ),
        facts=facts,
        poster=encode_picture(stills.first, OutputFormat.WEBP),
        thumbnail=make_thumbnail(stills.first),
        thumbhash=make_thumbhash(stills.first),
        preview=make_animation(stills.small, frame_seconds=stills.stride / facts.fps)
        if stills.small
        else None,
    )


def describe_drawing(result: EngineResult, request: Text2VideoRequest) -> dict[str, Any]:
    """How the film came about, and where that differs from what was asked for."""
    width, height = result.native_size
    frames = film_of(result).frames
    asked = {} if frames == request.num_frames else {"requested_frames": request.num_frames}
    return {
        "model": result.model,
        "native_size": {"width": width, "height": height},
        "native_frames": result.native_frames,
        "prompt_truncated": result.prompt_truncated,
        "speed_tier": request.speed_tier.value,
        **asked,
    }
