"""Encodes a picture as a file: the table of formats, and where each keeps its metadata."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from gpu_worker.media.metadata import JSON_KEY, PARAMETERS_KEY, Metadata
from gpu_worker.ports import Pixels
from shared.request import OutputFormat

#: How EXIF marks a comment in UTF-16.
UNICODE_COMMENT = b"UNICODE\0"


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
#: saves here, off the GPU's path, the phone's download loses again, and the bytes are paid for
#: (docs/figures.md has the rest).
FORMATS = {
    OutputFormat.PNG: FormatSpec(
        content_type="image/png", extension="png", options={"compress_level": 4}
    ),
    # 4:4:4, since drawn pictures have hard edges between colours.
    OutputFormat.JPEG: FormatSpec(
        content_type="image/jpeg", extension="jpg", options={"quality": 92, "subsampling": 0}
    ),
    OutputFormat.WEBP: FormatSpec(
        content_type="image/webp", extension="webp", options={"quality": 90, "method": 4}
    ),
}


def encode_picture(
    pixels: Pixels,
    picture_format: OutputFormat = OutputFormat.PNG,
    metadata: Metadata | None = None,
) -> EncodedFile:
    """`pixels` is height × width × 3, RGB. PNG gives back exactly these, the others nearly.

    `metadata` lies in a PNG's text chunks, of the other formats in EXIF.
    """
    spec = FORMATS[picture_format]
    extra: dict[str, Any] = {}
    if metadata is not None and picture_format is OutputFormat.PNG:
        extra["pnginfo"] = _png_texts(metadata)
    elif metadata is not None:
        extra["exif"] = _exif(metadata)
    return encode(Image.fromarray(pixels), picture_format.value, spec, **extra)


def _png_texts(metadata: Metadata) -> PngInfo:
    info = PngInfo()
    info.add_text(PARAMETERS_KEY, metadata.parameters)
    info.add_text(JSON_KEY, metadata.json)
    return info


def _exif(metadata: Metadata) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = metadata.json
    comment = UNICODE_COMMENT + metadata.parameters.encode("utf-16-be")
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    return exif.tobytes()


def encode(image: Image.Image, pillow_format: str, spec: FormatSpec, **extra: Any) -> EncodedFile:
    """The file that Pillow makes of `image` with the options of `spec`."""
    buffer = io.BytesIO()
    image.save(buffer, pillow_format, **spec.options, **extra)
    return EncodedFile(
        data=buffer.getvalue(),
        content_type=spec.content_type,
        extension=spec.extension,
        width=image.width,
        height=image.height,
    )
