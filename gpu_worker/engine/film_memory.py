"""What of a film model lies where on a GPU, by the memory that is free there. Pure.

Numbers are bytes of 2-byte precision. Weights are the parameters of the published checkpoint; what
the transformer and the decoder need while they work was counted on meta tensors of the real sizes
(81 frames; attention by a fused kernel, as on a GPU), without what cuDNN takes for itself: SLACK is
an estimate of that. No GPU has confirmed them yet.
"""

from dataclasses import dataclass

from gpu_worker.engine.sizes import LATENT_FRAMES
from gpu_worker.engine.specs import FilmSpec, Size
from shared.errors import ErrorCode, GenerationError

GB = 10**9
BYTES_PER_NUMBER = 2
#: A token of the transformer is 16 × 16 pixels of 4 frames. Counted: 1.83 GB at 480p, 3.94 at 720p.
TOKEN_PIXELS = 16 * 16
BYTES_PER_TOKEN = 56_000
#: Of a frame, or of a tile. Counted: 4.05 GB at 480p, 9.35 at 720p, 0.67 for a tile of 256 × 256.
DECODER_BYTES_PER_PIXEL = 10_200
TILE_PIXELS = 256 * 256
SLACK = 1.25
#: What CUDA and the allocator's gaps take.
RESERVE_BYTES = GB // 2
#: The sizes of the requests, from the smallest on.
SMALL_SIZE: Size = (832, 480)
LARGE_SIZE: Size = (1280, 720)
MOST_FRAMES = 81


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Transformer and VAE stay on the GPU always: they are a fifth of the text encoder."""

    #: True: its weights stay in main memory, and pass through the GPU layer by layer for each job.
    streams_text_encoder: bool


def place(
    free: int, spec: FilmSpec, *, number: int = BYTES_PER_NUMBER, beside: str = ""
) -> Placement:
    """Before anything is loaded, for numbers of `number` bytes. `beside` says what else is there.

    Raises `GenerationError` where not even a film of 480p would fit. One that is larger may still
    not fit, and then fails with advice.
    """
    weights = spec.weights
    if weights is None:
        return Placement(streams_text_encoder=False)
    wider = number // BYTES_PER_NUMBER
    staying = number * (weights.transformer + weights.vae)
    largest_layer = number * weights.text_encoder_largest_layer
    least = staying + max(wider * _denoising(SMALL_SIZE), largest_layer) + RESERVE_BYTES
    if free < least:
        raise GenerationError(
            ErrorCode.INTERNAL,
            f"The model {spec.name}{beside} needs {least / GB:.1f} GB of the GPU's memory, of "
            f"which {free / GB:.1f} GB are free; a worker without a model for pictures "
            "(EMBERFRAME_IMAGE_MODEL=none) leaves it more.",
        )
    comfortable = staying + number * weights.text_encoder + RESERVE_BYTES
    comfortable += wider * max(_denoising(LARGE_SIZE), _decoding(TILE_PIXELS))
    return Placement(streams_text_encoder=free < comfortable)


def needs_tiles(free: int, size: Size) -> bool:
    """For one film, when it is about to be decoded: whether whole frames would not fit."""
    width, height = size
    return free < _decoding(width * height) + RESERVE_BYTES


def _denoising(size: Size) -> int:
    width, height = size
    latents = (MOST_FRAMES - 1) // LATENT_FRAMES + 1
    return int(SLACK * BYTES_PER_TOKEN * latents * (width * height // TOKEN_PIXELS))


def _decoding(pixels: int) -> int:
    return int(SLACK * DECODER_BYTES_PER_PIXEL * pixels)
