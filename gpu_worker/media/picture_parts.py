"""Counts the parts of a JPEG or PNG file before a decoder sees it, each part in constant time.

A decoder works on every part anew, so parts multiply its work: 0.1 MB of scans of 16 million pixels
kept libjpeg busy for nine seconds, 7 MB of small EXIF segments kept Pillow, which joins them one
by one, for half a minute. Honest files stay far below the bounds.
"""

import re

#: Of a JPEG, up to its end: a photo has up to thirty, one with a depth map inside some hundred.
MAX_SEGMENTS = 500
#: Of a progressive JPEG: encoders write about ten.
MAX_SCANS = 100
#: Of a PNG: 20 MB in pieces of 8 kB are 2 500.
MAX_CHUNKS = 20_000

_JPEG_START = b"\xff\xd8"
_PNG_START = b"\x89PNG\r\n\x1a\n"
#: Bytes before the next marker are skipped, as decoders do; FF 00 and FF FF are none.
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_SCAN = 0xDA
_END = 0xD9
#: Restarts within a scan, a repeated start, and one for private use: they have no length.
_BARE = frozenset({*range(0xD0, 0xD9), 0x01})
#: Length, kind, checksum.
_CHUNK_BYTES = 12


def has_too_many_parts(data: bytes) -> bool:
    """False for files of other formats, which have no such parts."""
    if data.startswith(_JPEG_START):
        return _jpeg_has_too_many(data)
    return data.startswith(_PNG_START) and _png_has_too_many(data)


def _jpeg_has_too_many(data: bytes) -> bool:
    segments = scans = 0
    position = len(_JPEG_START)
    while found := _MARKER.search(data, position):
        marker = data[found.start() + 1]
        position = found.end()
        if marker == _END:
            return False
        if marker in _BARE:
            continue
        segments += 1
        scans += marker == _SCAN
        if segments > MAX_SEGMENTS or scans > MAX_SCANS:
            return True
        # The length counts its own two bytes; decoders take a smaller one for that.
        position += max(2, int.from_bytes(data[position : position + 2], "big"))
    return False


def _png_has_too_many(data: bytes) -> bool:
    chunks = 0
    position = len(_PNG_START)
    while position < len(data):
        chunks += 1
        if chunks > MAX_CHUNKS:
            return True
        position += _CHUNK_BYTES + int.from_bytes(data[position : position + 4], "big")
    return False
