"""At which size and length a model draws, and at which it is handed over. Pure."""

import math
from dataclasses import dataclass

from gpu_worker.engine.specs import FilmSpec, PictureSpec, Size
from gpu_worker.ports import Pixels

#: Pixels; the contract's bounds of a side, and the VAE's block.
MIN_SIDE = 64
MAX_SIDE = 2048
BLOCK = 8
#: Frames that one of Wan's latents stands for.
LATENT_FRAMES = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """Both as width, height in pixels; equal where the model draws what was asked for."""

    drawn: Size
    asked: Size


def decide_sizes(
    spec: PictureSpec, width: int | None, height: int | None, image: Pixels | None = None
) -> Sizes:
    """A side that is not given takes the model's own; with an image, the image's."""
    if image is None:
        asked = (width or spec.default_size[0], height or spec.default_size[1])
    else:
        asked = _as_the_image((image.shape[1], image.shape[0]), width, height, spec.image_areas)
    drawn = asked if spec.draws_any_size else nearest(asked, spec.native_sizes)
    return Sizes(drawn=drawn, asked=asked)


def decide_film_sizes(spec: FilmSpec, width: int, height: int) -> Sizes:
    asked = (width, height)
    drawn = asked if spec.draws_any_size else nearest(asked, spec.native_sizes)
    return Sizes(drawn=drawn, asked=asked)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lengths:
    """Both in frames, 4k + 1; equal where the model draws as many as were asked for."""

    drawn: int
    asked: int


def decide_lengths(spec: FilmSpec, frames: int) -> Lengths:
    asked = whole_latents(frames)
    return Lengths(drawn=spec.native_frames or asked, asked=asked)


def whole_latents(frames: int) -> int:
    """`frames` rounded up to 4k + 1: the first latent is one frame, each later one is four."""
    return math.ceil((frames - 1) / LATENT_FRAMES) * LATENT_FRAMES + 1


def nearest(asked: Size, native: tuple[Size, ...]) -> Size:
    """The native size whose ratio of sides is nearest: 2:1 is as far from 1:1 as 1:2 is."""
    ratio = math.log(asked[0] / asked[1])
    return min(native, key=lambda size: abs(math.log(size[0] / size[1]) - ratio))


def _as_the_image(
    image: Size, width: int | None, height: int | None, areas: tuple[int, int]
) -> Size:
    """One side given: the other in the image's proportions. None: the image's own size, scaled to
    an area that the model is good at."""
    if width is not None and height is not None:
        return width, height
    own_width, own_height = image
    if width is not None:
        return width, _side(width * own_height / own_width)
    if height is not None:
        return _side(height * own_width / own_height), height
    smallest, largest = areas
    area = min(max(own_width * own_height, smallest), largest)
    scale = math.sqrt(area / (own_width * own_height))
    scale = min(scale, MAX_SIDE / max(image))
    return _side(own_width * scale), _side(own_height * scale)


def _side(pixels: float) -> int:
    """The nearest side that the contract allows."""
    return min(max(round(pixels / BLOCK) * BLOCK, MIN_SIDE), MAX_SIDE)
