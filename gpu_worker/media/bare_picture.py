"""Takes from a stranger's file what is no picture, before a decoder sees it, and counts the rest.

Readers of what a file says beside its pixels work in Python, on lists within lists that may share
their bytes: 17 MB of EXIF kept Pillow busy for a minute with 1.7 GB, 19 000 colour profiles of a
kilobyte for 23 s. So the decoder gets pixels and what they need; of all else the one number that
matters is read here. Parts multiply a decoder's work too (0.1 MB of scans of 16 million pixels took
nine seconds); honest files stay far below the bounds.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from gpu_worker.media.exif_orientation import UPRIGHT, read_orientation
from gpu_worker.media.picture_parts import (
    JPEG_START,
    PNG_START,
    RIFF,
    SCAN,
    WEBP,
    Part,
    is_webp,
    jpeg_parts,
    png_parts,
    webp_parts,
)

#: Of a JPEG, up to its end: a photo has up to thirty, one with a depth map inside some hundred.
MAX_SEGMENTS = 500
#: Of a progressive JPEG: encoders write about ten.
MAX_SCANS = 100
#: Of a PNG: 20 MB in pieces of 8 kB are 2 500. Of a WebP: pictures of an animation.
MAX_CHUNKS = 20_000
#: Of a JPEG before its first scan, without what is no picture: a large photo's has 1 kB.
MAX_HEAD_BYTES = 64 * 1024

#: Tables, sizes, and the two that say what the colours are: JFIF's and Adobe's.
_JPEG_SAYS = frozenset({0xE0, 0xEE})
#: Other programs' segments (EXIF, profiles, pictures within pictures), and comments.
_JPEG_LEFT_OUT = frozenset({*range(0xE0, 0xF0), 0xFE} - _JPEG_SAYS)
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"})
_EXIF = b"Exif\0\0"
_EXIF_SEGMENT = b"\xe1"
_EXIF_CHUNKS = frozenset({b"eXIf", b"EXIF"})


class TooManyParts(Exception):
    """Of a picture."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BarePicture:
    #: The file without what is no picture.
    data: bytes
    #: EXIF's, 1 … 8.
    orientation: int = UPRIGHT


def bare_picture(data: bytes) -> BarePicture:
    """Files of other formats are left as they are. Raises `TooManyParts`."""
    if data.startswith(JPEG_START):
        return _bare_jpeg(data)
    if data.startswith(PNG_START):
        parts = _counted(png_parts(data))
        return _bare(data, parts, _PNG_KEPT, lambda kept: PNG_START + kept)
    if is_webp(data):
        parts = _counted(webp_parts(data))
        return _bare(data, parts, _WEBP_KEPT, lambda kept: _riff(kept, parts))
    return BarePicture(data=data)


def _bare_jpeg(data: bytes) -> BarePicture:
    parts = _counted(jpeg_parts(data), most=MAX_SEGMENTS)
    scans = [part.start for part in parts if part.kind[0] == SCAN]
    if len(scans) > MAX_SCANS:
        raise TooManyParts
    # Behind the first scan's beginning only the decoder itself reads, and skips what is no picture.
    first = scans[0] if scans else len(data)
    head = list(takewhile(lambda part: part.start < first, parts))
    kept = b"".join(data[it.start : it.end] for it in head if it.kind[0] not in _JPEG_LEFT_OUT)
    if len(kept) > MAX_HEAD_BYTES:
        raise TooManyParts
    exif = (
        data[it.body + len(_EXIF) : it.end]
        for it in head
        if it.kind == _EXIF_SEGMENT and data.startswith(_EXIF, it.body)
    )
    return BarePicture(
        data=b"".join([JPEG_START, kept, data[first:]]),
        orientation=read_orientation(next(exif, b"")),
    )


def _bare(
    data: bytes, parts: Iterable[Part], kinds: frozenset[bytes], whole: Callable[[bytes], bytes]
) -> BarePicture:
    kept = b"".join(data[it.start : it.end] for it in parts if it.kind in kinds)
    exif = (data[it.body : it.end].removeprefix(_EXIF) for it in parts if it.kind in _EXIF_CHUNKS)
    return BarePicture(data=whole(kept), orientation=read_orientation(next(exif, b"")))


def _riff(kept: bytes, parts: Iterable[Part]) -> bytes:
    # What the kept parts say they have: where a file was cut off, its decoder is to notice.
    said = sum(it.end - it.start for it in parts if it.kind in _WEBP_KEPT)
    return RIFF + (len(WEBP) + said).to_bytes(8, "little")[:4] + WEBP + kept


def _counted(parts: Iterator[Part], most: int = MAX_CHUNKS) -> list[Part]:
    counted = []
    for part in parts:
        counted.append(part)
        if len(counted) > most:
            raise TooManyParts
    return counted
