"""Damages files as transmission, bad luck and bad will do; the same random numbers do the same."""

import struct
from collections.abc import Callable, Sequence
from random import Random

from tests.fuzz.picture_seeds import png_with_right_checksums

MAX_MUTATIONS = 4
#: Sides and lengths that are at some edge.
LIES = (0, 1, 7, 8, 255, 256, 4000, 4001, 16_383, 16_384, 65_535, 2**24 - 1, 2**31 - 1, 2**32 - 1)
#: What begins a part in one of the formats.
MARKS = (
    *(b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"iCCP", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"IEND"),
    *(b"\xff\xc0", b"\xff\xc2", b"\xff\xc4", b"\xff\xda", b"\xff\xdb", b"\xff\xdd", b"\xff\xe1"),
    *(b"\xff\xe2", b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"ICCP", b"RIFF"),
)

Mutation = Callable[[bytes, Random, Sequence[bytes]], bytes]


def flip_bits(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    whole = bytearray(data)
    for _bit in range(random.randint(1, 12)):
        whole[random.randrange(len(whole))] ^= 1 << random.randrange(8)
    return bytes(whole)


def overwrite(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + random.randbytes(random.randint(1, 16)) + data[at + 8 :]


def truncate(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    return data[: random.randint(1, len(data))]


def _piece(data: bytes, random: Random) -> bytes:
    begin = random.randrange(len(data))
    return data[begin : begin + random.randint(1, 200)]


def splice(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """A piece of another file, in the place of one of the same length or between two bytes."""
    piece = _piece(random.choice(others), random)
    at = random.randrange(len(data))
    return data[:at] + piece + data[at + random.choice((0, len(piece))) :]


def repeat(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    piece = _piece(data, random)
    at = data.find(piece)
    return data[:at] + piece * random.randint(1, 40) + data[at:]


def remove(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + data[at + random.randint(1, 60) :]


def splice_parts(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """From one part's mark on, the parts of another file."""
    other = random.choice(others)
    return data[: _mark(data, random)] + other[_mark(other, random) :]


def lie(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    """Another number just behind or before some part's mark: a length, a side, a count."""
    at = max(0, _mark(data, random) + random.randint(-4, 16))
    form = random.choice((">I", "<I", ">H", "<H"))
    number = struct.pack(form, random.choice(LIES) % 2 ** (8 * struct.calcsize(form)))
    return data[:at] + number + data[at + len(number) :]


def _mark(data: bytes, random: Random) -> int:
    found = [at for mark in MARKS if (at := data.find(mark)) >= 0]
    return random.choice(found) if found else 0


MUTATIONS: Sequence[Mutation] = (
    *(flip_bits, overwrite, truncate, splice, repeat, remove, splice_parts, lie, lie),
)


def mutated(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """`data` after one or more mutations; never empty."""
    for _ in range(random.randint(1, MAX_MUTATIONS)):
        data = random.choice(MUTATIONS)(data, random, others) or b"\0"
    # Else a wrong checksum would hide what lies behind it from every PNG.
    return png_with_right_checksums(data) if random.random() < 0.7 else data
