"""Reads how a camera was held from a picture's EXIF block, and nothing else of it.

The block is a small TIFF file: byte order, where its first list begins, entries of twelve bytes.
Time is linear in the list's length, 65 535 entries at most, and what they point at is never read.
"""

import struct

#: EXIF's number of a picture that is as it should be.
UPRIGHT = 1
ORIENTATIONS = range(1, 9)
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_TAG = 0x0112
_SHORT = 3
_ENTRY_BYTES = 12


def read_orientation(block: bytes) -> int:
    """One of ORIENTATIONS; UPRIGHT where `block` does not say, or is none."""
    order = _BYTE_ORDERS.get(block[:4])
    if order is None:
        return UPRIGHT
    try:
        (first,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, first)
        for number in range(count):
            at = first + 2 + number * _ENTRY_BYTES
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", block, at)
            if tag == _TAG:
                return value if kind == _SHORT and value in ORIENTATIONS else UPRIGHT
    except struct.error:  # it was cut off
        return UPRIGHT
    return UPRIGHT
