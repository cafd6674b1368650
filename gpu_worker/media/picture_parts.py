"""Where the parts of a JPEG, PNG or WebP file lie, read without a decoder, each in constant time.

Nothing inside a part is looked at, and none is believed to be longer than the file. Of a damaged
file the walk ends where it can no longer tell.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

JPEG_START = b"\xff\xd8"
PNG_START = b"\x89PNG\r\n\x1a\n"
RIFF = b"RIFF"
WEBP = b"WEBP"
#: Behind RIFF, the length and WEBP.
WEBP_HEADER_BYTES = 12
#: Bytes before the next marker are skipped, as decoders do; FF 00 and FF FF are none.
_MARKER = re.compile(rb"\xff[^\x00\xff]")
SCAN = 0xDA
_END = 0xD9
#: Restarts within a scan, a repeated start, and one for private use: they have no length.
_BARE = frozenset({*range(0xD0, 0xD9), 0x01})
#: Of a PNG's chunk: length and kind, then the checksum behind its content.
_PNG_HEAD_BYTES, _PNG_TAIL_BYTES = 8, 4
#: Of a WebP's chunk: kind and length; what is of odd length has one byte more.
_RIFF_HEAD_BYTES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Of a file: all of it is `data[start:end]`, its content begins at `body`."""

    #: A JPEG's marker as one byte, or a chunk's four letters.
    kind: bytes
    start: int
    body: int
    end: int


def is_webp(data: bytes) -> bool:
    return data.startswith(RIFF) and data[8:WEBP_HEADER_BYTES] == WEBP


def jpeg_parts(data: bytes) -> Iterator[Part]:
    """Segments with a length, up to the picture's end. What lies between two is a scan's."""
    position = len(JPEG_START)
    while found := _MARKER.search(data, position):
        marker = data[found.start() + 1]
        position = found.end()
        if marker == _END:
            return
        if marker in _BARE:
            continue
        # The length counts its own two bytes; decoders take a smaller one for that.
        end = position + max(2, int.from_bytes(data[position : position + 2], "big"))
        yield Part(kind=bytes([marker]), start=found.start(), body=position + 2, end=end)
        position = end


def png_parts(data: bytes) -> Iterator[Part]:
    position = len(PNG_START)
    while position < len(data):
        body = position + _PNG_HEAD_BYTES
        length = int.from_bytes(data[position : position + 4], "big")
        end = body + length + _PNG_TAIL_BYTES
        yield Part(kind=data[position + 4 : body], start=position, body=body, end=end)
        position = end


def webp_parts(data: bytes) -> Iterator[Part]:
    position = WEBP_HEADER_BYTES
    while position < len(data):
        body = position + _RIFF_HEAD_BYTES
        length = int.from_bytes(data[position + 4 : body], "little")
        end = body + length + length % 2
        yield Part(kind=data[position : position + 4], start=position, body=body, end=end)
        position = end
