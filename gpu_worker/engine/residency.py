"""What lies on a GPU for as long as the worker lives, decided before anything is loaded. Pure.

Everything is put in its place once: no request moves a model. The one exception is a card too small
for Wan's text encoder, through which its layers pass for each film, in one direction and never
back (`film_memory.py`). Numbers are bytes. What a picture takes while it is made was counted on
meta tensors of the published sizes with fused attention; no GPU has confirmed it yet.
"""

from dataclasses import dataclass

from gpu_worker.engine.film_memory import GB, RESERVE_BYTES, SLACK, place
from gpu_worker.engine.precision import Precision
from gpu_worker.engine.specs import FilmSpec, PictureSpec, Size
from shared.errors import ErrorCode, GenerationError

#: Counted, of 2-byte numbers: 0.33 GB for the base and 0.40 for the refiner at 1024 × 1024, guided.
DENOISING_BYTES_PER_PIXEL = 380
#: Likewise: 1.61 GB at 1024 × 1024, 6.44 at 2048 × 2048.
DECODING_BYTES_PER_PIXEL = 1_536
#: Diffusers decodes larger pictures in tiles of that size, where it is told to.
TILE: Size = (1024, 1024)
#: The most that a request may ask for.
LARGEST_PICTURE: Size = (2048, 2048)
#: The number that the figures above are for.
COUNTED_BYTES_PER_NUMBER = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Residency:
    #: Weights that stay on the GPU.
    resident_bytes: int
    #: What is left for the work, and for a compiled model's.
    left_bytes: int
    #: Wan's text encoder stays in main memory, and passes through layer by layer.
    streams_text_encoder: bool
    #: Pictures above `TILE` are decoded in tiles, whose seams may show.
    tiles_pictures: bool


def decide(
    free: int, picture: PictureSpec | None, film: FilmSpec | None, precision: Precision
) -> Residency:
    """For `free` bytes of a GPU. Raises `GenerationError` with numbers where they cannot do."""
    number = 4 if precision is Precision.FP32 else COUNTED_BYTES_PER_NUMBER
    pictures = 0
    if picture is not None and picture.weights is not None:
        pictures = number * picture.parameters
        least = pictures + _picture_work(TILE, number) + RESERVE_BYTES
        if free < least:
            raise GenerationError(
                ErrorCode.INTERNAL,
                f"The model {picture.name} needs {least / GB:.1f} GB of the GPU's memory in "
                f"{precision.value} ({pictures / GB:.1f} GB of weights), of which "
                f"{free / GB:.1f} GB are free; {_advice(precision)}.",
            )
    resident = pictures
    streams = False
    if film is not None and film.weights is not None:
        beside = "" if picture is None else f" beside {picture.name} ({pictures / GB:.1f} GB)"
        placement = place(free - pictures, film, number=number, beside=beside)
        streams = placement.streams_text_encoder
        weights = film.weights
        resident += number * (weights.transformer + weights.vae)
        resident += 0 if streams else number * weights.text_encoder
    left = free - resident
    largest = _picture_work(LARGEST_PICTURE, number) + RESERVE_BYTES
    return Residency(
        resident_bytes=resident,
        left_bytes=left,
        streams_text_encoder=streams,
        tiles_pictures=bool(pictures) and left < largest,
    )


def _picture_work(size: Size, number: int) -> int:
    width, height = size
    most = max(DENOISING_BYTES_PER_PIXEL, DECODING_BYTES_PER_PIXEL)
    return int(SLACK * most * width * height * number / COUNTED_BYTES_PER_NUMBER)


def _advice(precision: Precision) -> str:
    if precision is Precision.FP32:
        return "EMBERFRAME_PRECISION=bf16 halves that"
    return "a larger GPU has to serve it"
