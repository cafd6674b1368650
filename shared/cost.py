"""What a request costs its owner: whole credits, counted from what keeps a GPU busy.

One unit of work is a denoising step over a megapixel (1024 × 1024). A credit buys four of a picture
or three of a film, whose steps are heavier; by the operations of both models that is about the same
(`docs/architecture/14-quotas.md`). Known before anybody works on it: a step that the engine leaves
out, or a model without a refiner, makes nothing cheaper.
"""

import math
from fractions import Fraction

from shared.request import (
    GenerationRequest,
    ImageRequest,
    Scheduler,
    Text2ImgRequest,
    Text2VideoRequest,
)

#: Pixels of one unit of work.
MEGAPIXEL = 1024 * 1024
#: Units of work that a credit buys.
PICTURE_WORK_A_CREDIT = 4
FILM_WORK_A_CREDIT = 3
#: A request that does not say its size has the input's or the model's: SDXL's is this.
UNSAID_PIXELS = MEGAPIXEL
UNSAID_SIDE = 1024
#: Solvers that ask the model more than once a step.
EVALUATIONS = {Scheduler.HEUN: 2}
#: Films have 4k + 1 frames.
FRAMES_A_LATENT = 4


def credits_of(request: GenerationRequest) -> int:
    """Whole credits, at least 1: preparing and storing cost something too."""
    if isinstance(request, Text2VideoRequest):
        work = _film_work(request) / FILM_WORK_A_CREDIT
    else:
        work = _picture_work(request) / PICTURE_WORK_A_CREDIT
    return max(1, math.ceil(work))


def _film_work(request: Text2VideoRequest) -> Fraction:
    latents = math.ceil((request.num_frames - 1) / FRAMES_A_LATENT)
    frames = FRAMES_A_LATENT * latents + 1
    pixels = request.video_width * request.video_height * frames
    return Fraction(pixels, MEGAPIXEL) * request.num_inference_steps


def _picture_work(request: ImageRequest) -> Fraction:
    steps = _picture_steps(request) * EVALUATIONS.get(request.scheduler, 1)
    return Fraction(_pixels(request), MEGAPIXEL) * steps * request.num_images


def _pixels(request: ImageRequest) -> int:
    if request.width is None and request.height is None:
        return UNSAID_PIXELS
    return (request.width or UNSAID_SIDE) * (request.height or UNSAID_SIDE)


def _picture_steps(request: ImageRequest) -> Fraction:
    """Of base and refiner: as `gpu_worker.engine` plans them, but for rounding."""
    from_image = not isinstance(request, Text2ImgRequest)
    # Of an image only so much of the noise is put on, and taken away again.
    share = _exact(request.strength) if from_image else Fraction(1)
    base = request.num_inference_steps * share
    refiner = Fraction(request.refiner_inference_steps)
    if not refiner:
        return base
    if request.high_noise_frac is not None:
        handover = _exact(request.high_noise_frac)
        return base * handover + refiner * share * (1 - handover)
    return base if from_image else base + refiner * _exact(request.strength)


def _exact(share: float) -> Fraction:
    """As it was written: 0.3 is three tenths, not the float next to them."""
    return Fraction(repr(share))
