"""Reads and writes the boxes that an mp4 file is made of (ISO/IEC 14496-12).

Only ever over files that our own encoder made, in memory; what is not as it should be is a
`ValueError`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

#: Length and kind.
HEADER_BYTES = 8
#: Version and flags, which some boxes begin with.
FULL_BYTES = 4
#: A length of 1 says that the real one follows in 8 bytes.
LONG_LENGTH = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """Places in the file: of the header, of what follows it, of the end."""

    kind: bytes
    start: int
    body: int
    end: int


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """Those that lie side by side between two places."""
    while start < end:
        if end - start < HEADER_BYTES:
            raise ValueError(f"a box at {start} is cut off")
        length, kind = struct.unpack_from(">I4s", data, start)
        body = start + HEADER_BYTES
        if length == LONG_LENGTH:
            (length,) = struct.unpack_from(">Q", data, body)
            body += 8
        if not body - start <= length <= end - start:
            raise ValueError(f"the box {kind!r} at {start} says that it has {length} bytes")
        yield Box(kind=kind, start=start, body=body, end=start + length)
        start += length


def child(data: bytes, parent: Box, kind: bytes) -> Box:
    """The first box of `kind` within `parent`."""
    return _first(data, kind, parent.body, parent.end)


def find(data: bytes, *kinds: bytes) -> Box:
    """The first box along a path from the top of the file: `moov`, `trak`, `mdia` …"""
    found = _first(data, kinds[0], 0, len(data))
    for kind in kinds[1:]:
        found = child(data, found, kind)
    return found


def made(kind: bytes, *parts: bytes) -> bytes:
    """A box of `parts`."""
    body = b"".join(parts)
    return struct.pack(">I4s", HEADER_BYTES + len(body), kind) + body


def _first(data: bytes, kind: bytes, start: int, end: int) -> Box:
    for box in boxes(data, start, end):
        if box.kind == kind:
            return box
    raise ValueError(f"there is no box {kind!r}")
