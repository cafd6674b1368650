"""Encodes a picture as a file: the table of formats and the one function that uses it."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from PIL import Image

from gpu_worker.ports import Pixels


class PictureFormat(StrEnum):
    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodedFile:
    """One file, ready to be stored."""

    data: bytes
    content_type: str
    #: Without a dot.
    extension: str
    #: Pixels.
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FormatSpec:
    content_type: str
    extension: str
    #: For Pillow's `save`.
    options: Mapping[str, int]


#: PNG level 4, on 1024 × 1024 pixels of photo-like noise and of flat shapes: 199 and 42 ms, 1683
#: and 236 kB. Level 1: 106 and 33 ms, 1934 and 305 kB; level 6: as big as 4, slower. What level 1
#: saves here, off the GPU's path, the phone's download loses again, and the bytes are paid for.
FORMATS = {
    PictureFormat.PNG: FormatSpec(
        content_type="image/png", extension="png", options={"compress_level": 4}
    ),
    # 4:4:4, since drawn pictures have hard edges between colours.
    PictureFormat.JPEG: FormatSpec(
        content_type="image/jpeg", extension="jpg", options={"quality": 92, "subsampling": 0}
    ),
    PictureFormat.WEBP: FormatSpec(
        content_type="image/webp", extension="webp", options={"quality": 90, "method": 4}
    ),
}


def encode_picture(
    pixels: Pixels, picture_format: PictureFormat = PictureFormat.PNG
) -> EncodedFile:
    """`pixels` is height × width × 3, RGB. PNG gives back exactly these, the others nearly."""
    spec = FORMATS[picture_format]
    return encode(Image.fromarray(pixels), picture_format.value, spec)


def encode(image: Image.Image, pillow_format: str, spec: FormatSpec) -> EncodedFile:
    """The file that Pillow makes of `image` with the options of `spec`."""
    buffer = io.BytesIO()
    image.save(buffer, pillow_format, **spec.options)
    return EncodedFile(
        data=buffer.getvalue(),
        content_type=spec.content_type,
        extension=spec.extension,
        width=image.width,
        height=image.height,
    )
