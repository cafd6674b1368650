"""Small whole pictures of every form that is allowed: what the mutations begin with."""

import io
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms

SIZE = (48, 32)


def _picture() -> Image.Image:
    """Colours that no encoder can write in a few bytes."""
    pixels = np.random.default_rng(7).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    pixels[8:24, 8:40] = (200, 30, 60)
    return Image.fromarray(pixels)


def _file(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _exif() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "a camera"
    exif[ExifTags.Base.XResolution] = 72.5
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 0.01
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (52.0, 31.0, 12.0)
    return exif.tobytes()


@cache
def picture_seeds() -> Mapping[str, bytes]:
    """Files by what they are; the format's name comes first."""
    rgb = _picture()
    rgba = rgb.copy()
    rgba.putalpha(Image.linear_gradient("L").resize(SIZE))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    tags: dict[str, Any] = {"exif": _exif(), "icc_profile": profile}
    grey16 = Image.fromarray(np.arange(SIZE[0] * SIZE[1], dtype=np.uint16).reshape(SIZE[::-1]) * 40)
    frames = {"save_all": True, "append_images": [rgb.rotate(90), rgb.rotate(180)], "loop": 0}
    return {
        "png rgb": _file(rgb, "png"),
        "png rgba, tagged": _file(rgba, "png", **tags),
        "png palette": _file(rgb.quantize(32), "png", transparency=3),
        "png grey": _file(rgb.convert("L"), "png"),
        "png grey, alpha": _file(rgba.convert("LA"), "png"),
        "png one bit": _file(rgb.convert("1"), "png"),
        "png 16 bit": _file(grey16, "png"),
        "png animated": _file(rgb, "png", **frames),
        "jpeg": _file(rgb, "jpeg"),
        "jpeg tagged": _file(rgb, "jpeg", comment=b"a comment", **tags),
        "jpeg progressive": _file(rgb, "jpeg", progressive=True, restart_marker_blocks=2),
        "jpeg grey": _file(rgb.convert("L"), "jpeg"),
        "jpeg cmyk": _file(rgb.convert("CMYK"), "jpeg"),
        "jpeg of several pictures": _file(rgb, "mpo", save_all=True, append_images=[rgb]),
        "webp lossy": _file(rgb, "webp"),
        "webp lossless": _file(rgb, "webp", lossless=True),
        "webp alpha, tagged": _file(rgba, "webp", **tags),
        "webp animated": _file(rgb, "webp", **frames),
    }


def png_with_right_checksums(data: bytes) -> bytes:
    """`data`, a PNG that may be damaged, with the checksum of every chunk made right."""
    whole = bytearray(data)
    position = 8
    while position + 12 <= len(whole):
        end = position + 8 + int.from_bytes(whole[position : position + 4], "big")
        if end + 4 > len(whole):
            break
        whole[end : end + 4] = zlib.crc32(whole[position + 4 : end]).to_bytes(4, "big")
        position = end + 4
    return bytes(whole)
