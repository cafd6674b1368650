"""Writes a title and a comment into an mp4, where players and ffmpeg look for them.

Done here and not by ffmpeg: what is said is only known at the end, and no prompt gets onto a
command line, which every user of a machine can read.
"""

import struct

from gpu_worker.media.mp4_boxes import FULL_BYTES, boxes, child, find, made

TAGS = b"udta"
#: As iTunes named them: the copyright sign, then three letters.
TITLE = b"\xa9nam"
COMMENT = b"\xa9cmt"
#: Version and flags of a full box.
PLAIN = bytes(FULL_BYTES)
UTF8 = struct.pack(">II", 1, 0)
#: The table of chunks' places in the file, and how many bytes each takes there.
OFFSETS = {b"stco": ">I", b"co64": ">Q"}


def tagged(film: bytes, *, title: str, comment: str) -> bytes:
    """`film` with both texts in the place of its own tags. Raises `ValueError` unless its index
    precedes its pictures."""
    index = find(film, b"moov")
    if find(film, b"mdat").start < index.end:
        raise ValueError("its index follows its pictures")
    inner = list(boxes(film, index.body, index.end))
    tags = _tags({TITLE: title, COMMENT: comment})
    removed = sum(it.end - it.start for it in inner if it.kind == TAGS)
    moved = _moved(film, len(tags) - removed)
    kept = [moved[it.start : it.end] for it in inner if it.kind != TAGS]
    return b"".join([film[: index.start], made(b"moov", *kept, tags), film[index.end :]])


def _tags(texts: dict[bytes, str]) -> bytes:
    items = [made(kind, made(b"data", UTF8, text.encode())) for kind, text in texts.items()]
    handler = made(b"hdlr", PLAIN, bytes(4), b"mdirappl", bytes(9))
    return made(TAGS, made(b"meta", PLAIN, handler, made(b"ilst", *items)))


def _moved(film: bytes, distance: int) -> bytes:
    """`film`, its index saying that the pictures lie `distance` bytes further on."""
    changed = bytearray(film)
    samples = find(film, b"moov", b"trak", b"mdia", b"minf", b"stbl")
    (kind,) = (it.kind for it in boxes(film, samples.body, samples.end) if it.kind in OFFSETS)
    place, table = OFFSETS[kind], child(film, samples, kind)
    (count,) = struct.unpack_from(">I", film, table.body + FULL_BYTES)
    first, size = table.body + FULL_BYTES + 4, struct.calcsize(place)
    for at in range(first, first + count * size, size):
        (offset,) = struct.unpack_from(place, film, at)
        struct.pack_into(place, changed, at, offset + distance)
    return bytes(changed)
