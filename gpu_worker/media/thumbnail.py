"""A small picture for lists, and a placeholder of some 25 bytes to show before it has loaded."""

import base64

import numpy as np
from fast_thumbhash import rgba_to_thumb_hash
from PIL import Image

from gpu_worker.media.picture_file import EncodedFile, FormatSpec, encode
from gpu_worker.ports import Pixels

#: Longest side in pixels: three in a row on a phone of 3 pixels a point.
THUMBNAIL_SIDE = 256
#: The algorithm's own limit on either side, in pixels.
THUMBHASH_SIDE = 100

_WEBP = FormatSpec(
    content_type="image/webp", extension="webp", options={"quality": 80, "method": 4}
)


def make_thumbnail(pixels: Pixels) -> EncodedFile:
    """A WebP in the picture's proportions, at most THUMBNAIL_SIDE a side and never enlarged."""
    return encode(shrunk(pixels, THUMBNAIL_SIDE), "webp", _WEBP)


def make_thumbhash(pixels: Pixels) -> str:
    """Base64 of the picture's ThumbHash (Evan Wallace's format), as app widgets take it."""
    image = shrunk(pixels, THUMBHASH_SIDE).convert("RGBA")
    rgba = np.asarray(image).tobytes()
    thumbhash = bytes(rgba_to_thumb_hash(image.width, image.height, rgba))
    return base64.b64encode(thumbhash).decode("ascii")


def shrunk(pixels: Pixels, side: int) -> Image.Image:
    """`pixels` in their proportions, at most `side` pixels a side and never enlarged."""
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return image
