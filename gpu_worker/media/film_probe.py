"""Measures a film from its own file: what a player will find there, not what we asked for.

Reads the index that precedes the pictures; nothing is decoded.
"""

import struct
from dataclasses import dataclass
from typing import Any

from gpu_worker.media.mp4_boxes import FULL_BYTES, Box, boxes, child, find

#: Of a description of samples, before the boxes within it.
SAMPLE_ENTRY_BYTES = 78
CODEC_NAMES = {b"avc1": "h264", b"hvc1": "h265", b"av01": "av1"}
#: H.264's numbers of the way colours are thinned out; H.265 has the same.
CHROMA_FORMATS = {0: "gray", 1: "yuv420p", 2: "yuv422p", 3: "yuv444p"}
#: H.264's profiles without a note on that: they have no other than this.
PLAIN_PROFILES = (66, 77, 88)
PLAIN_FORMAT = (1, 8)


@dataclass(frozen=True, kw_only=True, slots=True)
class FilmFacts:
    frames: int
    #: Pixels.
    width: int
    height: int
    #: Pictures a second, exactly.
    fps: float
    duration_seconds: float
    #: `h264`, `h265` or `av1`.
    codec: str
    #: As ffmpeg names it.
    pixel_format: str
    #: Bits a second, of the pictures alone.
    bit_rate: int
    #: True when the index precedes the pictures: playing begins before all is there.
    starts_fast: bool

    def to_document(self) -> dict[str, Any]:
        """The seed's `video_info`, and what this project adds."""
        return {
            "frames": self.frames,
            "width": self.width,
            "height": self.height,
            "fps": int(self.fps) if self.fps.is_integer() else round(self.fps, 3),
            "duration_seconds": round(self.duration_seconds, 3),
            "codec": self.codec,
            "pixel_format": self.pixel_format,
            "bit_rate": self.bit_rate,
        }


def probe_film(data: bytes) -> FilmFacts:
    """`data` is an mp4 with one track. Raises `ValueError` when it is not."""
    try:
        return _probe(data)
    except struct.error as error:
        raise ValueError(f"the file is cut off: {error}") from error


def _probe(data: bytes) -> FilmFacts:
    media = find(data, b"moov", b"trak", b"mdia")
    timescale, duration = _duration(data, child(data, media, b"mdhd"))
    samples = child(data, child(data, media, b"minf"), b"stbl")
    sizes = child(data, samples, b"stsz")
    (frames,) = struct.unpack_from(">I", data, sizes.body + FULL_BYTES + 4)
    kinds = child(data, samples, b"stsd")
    (entry,) = boxes(data, kinds.body + FULL_BYTES + 4, kinds.end)
    pictures = find(data, b"mdat")
    if not frames or not duration:
        raise ValueError("it has no frames")
    width, height = _size(data)
    seconds = duration / timescale
    return FilmFacts(
        frames=frames,
        width=width,
        height=height,
        fps=frames * timescale / duration,
        duration_seconds=seconds,
        codec=CODEC_NAMES.get(entry.kind, "unknown"),
        pixel_format=_pixel_format(data, entry),
        bit_rate=round((pictures.end - pictures.body) * 8 / seconds),
        starts_fast=media.end <= pictures.start,
    )


def _duration(data: bytes, header: Box) -> tuple[int, int]:
    """Ticks a second, and ticks in all."""
    if data[header.body]:  # version 1 has long times
        times: tuple[int, int] = struct.unpack_from(">IQ", data, header.body + FULL_BYTES + 16)
    else:
        times = struct.unpack_from(">II", data, header.body + FULL_BYTES + 8)
    return times


def _size(data: bytes) -> tuple[int, int]:
    """Width, height: the last numbers of the track's header, with 16 bits behind the point."""
    header = find(data, b"moov", b"trak", b"tkhd")
    width, height = struct.unpack_from(">II", data, header.end - 8)
    return width >> 16, height >> 16


def _pixel_format(data: bytes, entry: Box) -> str:
    inner = {it.kind: it for it in boxes(data, entry.body + SAMPLE_ENTRY_BYTES, entry.end)}
    chroma, depth = PLAIN_FORMAT
    if b"avcC" in inner:
        chroma, depth = _of_h264(data[inner[b"avcC"].body : inner[b"avcC"].end])
    elif b"hvcC" in inner:
        at = inner[b"hvcC"].body
        chroma, depth = data[at + 16] & 3, 8 + (data[at + 17] & 7)
    elif b"av1C" in inner:
        flags = data[inner[b"av1C"].body + 2]
        depth = 8 if not flags & 0x40 else 12 if flags & 0x20 else 10
        # Thinned out in both directions, in one, in none.
        chroma = 0 if flags & 0x10 else {0x0C: 1, 0x08: 2}.get(flags & 0x0C, 3)
    else:
        raise ValueError(f"samples of {entry.kind!r} are not described")
    return CHROMA_FORMATS[chroma] + (f"{depth}le" if depth > 8 else "")  # noqa: PLR2004


def _of_h264(config: bytes) -> tuple[int, int]:
    """Chroma format and bits, which follow the parameter sets."""
    if config[1] in PLAIN_PROFILES:
        return PLAIN_FORMAT
    at = 5
    for mask in (0x1F, 0xFF):  # sequences, pictures
        count = config[at] & mask
        at += 1
        for _ in range(count):
            (length,) = struct.unpack_from(">H", config, at)
            at += 2 + length
    return config[at] & 3, 8 + (config[at + 1] & 7)
