"""Decodes pictures that strangers sent: known formats only, pixels and parts bounded beforehand.

What is no picture is taken out first. Pillow reads the header, then the size is judged, then the
file is verified, reopened and decoded. A 22 kB file can declare 180 million pixels; it gets no
further than its header. Colour profiles are not obeyed: their reader is one more for strangers.
"""

import io
import warnings

import numpy as np
from PIL import Image

from gpu_worker.media.bare_picture import BarePicture, TooManyParts, bare_picture
from gpu_worker.ports import Mask, Pixels
from shared.errors import InvalidInput

FORMATS = ("PNG", "JPEG", "WEBP")
#: 4000 × 4000: a phone's photo.
MAX_PIXELS = 16_000_000
#: Pixels; fewer make no eighth of a side, which is what the VAE works on.
MIN_SIDE = 8
#: From this brightness up, a pixel of a mask is painted anew.
MASK_THRESHOLD = 128
WHITE = (255, 255, 255)
BLACK = (0, 0, 0)
#: What sets a picture upright, by EXIF's number.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIZES = f"it must have at most {MAX_PIXELS // 1_000_000} million, and at least {MIN_SIDE} a side"


def decode_image(data: bytes, field: str) -> Pixels:
    """RGB, upright; transparent parts become white. `field` names the request's field in errors.

    Raises `InvalidInput`.
    """
    return np.asarray(_decode(data, field, WHITE))


def decode_mask(data: bytes, field: str) -> Mask:
    """255 where the picture is bright, else 0; transparent parts are kept, so they are 0."""
    grey = np.asarray(_decode(data, field, BLACK).convert("L"))
    return np.where(grey >= MASK_THRESHOLD, 255, 0).astype(np.uint8)


def _decode(data: bytes, field: str, ground: tuple[int, int, int]) -> Image.Image:
    """RGB, upright, over `ground` where it is transparent."""
    bare = _bare(data, field)
    try:
        with warnings.catch_warnings():
            # Damaged tags are told as warnings; the picture counts.
            warnings.simplefilter("ignore")
            with _opened(bare.data) as header:
                _check_size(header.size, field)
                header.verify()
            image: Image.Image = _opened(bare.data)  # `verify` leaves it unusable
            image.load()
            if bare.orientation in TURNS:
                image = image.transpose(TURNS[bare.orientation])
            return _flattened(image, ground)
    except Image.DecompressionBombError:
        raise InvalidInput(f"{field} is a picture of far too many pixels; {_SIZES}.") from None
    except (InvalidInput, MemoryError):
        raise
    except Exception as error:
        # Whatever its readers trip over in a stranger's file, an IndexError among it, is the file.
        raise InvalidInput(
            f"{field} is no picture that can be read; it must be a PNG, JPEG or WebP file.",
        ) from error


def _bare(data: bytes, field: str) -> BarePicture:
    try:
        return bare_picture(data)
    except TooManyParts:
        raise InvalidInput(
            f"{field} is a picture of too many parts; it must be as cameras and editors write it: "
            "save it anew, without metadata."
        ) from None


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=FORMATS)


def _check_size(size: tuple[int, int], field: str) -> None:
    width, height = size
    if width * height > MAX_PIXELS or min(size) < MIN_SIDE:
        raise InvalidInput(f"{field} is a picture of {width}x{height} pixels; {_SIZES}.")


def _flattened(image: Image.Image, ground: tuple[int, int, int]) -> Image.Image:
    """RGB over `ground`."""
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off at 255
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if not image.has_transparency_data:
        return image.convert("RGB")
    above = image if image.mode == "RGBA" else image.convert("RGBA")
    flat = Image.new("RGB", above.size, ground)
    flat.paste(above, mask=above)
    return flat
