"""Pictures that strangers sent: what is read, how, and what is refused before it costs anything."""

import io
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from gpu_worker.media.bare_picture import MAX_CHUNKS, MAX_SCANS, MAX_SEGMENTS
from gpu_worker.media.input_picture import MAX_PIXELS, decode_image, decode_mask
from shared.errors import ErrorCode, GenerationError

RED, BLUE = (255, 0, 0), (0, 0, 255)


def file_of(image: Image.Image, kind: str = "png", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def halves() -> Image.Image:
    """Red above, blue below; twice as high as wide."""
    image = Image.new("RGB", (16, 32), RED)
    image.paste(BLUE, (0, 16, 16, 32))
    return image


def refusal(data: bytes, decode: Callable[[bytes, str], Any] = decode_image) -> str:
    with pytest.raises(GenerationError) as caught:
        decode(data, "image_url")
    assert caught.value.code is ErrorCode.INVALID_INPUT
    assert not caught.value.retryable
    return caught.value.message


def png_header_of(width: int, height: int) -> bytes:
    """A small PNG that claims to be huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_every_format_is_read_as_rgb(kind: str) -> None:
    pixels = decode_image(file_of(halves(), kind), "image_url")
    assert pixels.shape == (32, 16, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels[2, 8].astype(int) - RED).max() < 12
    assert np.abs(pixels[29, 8].astype(int) - BLUE).max() < 12


def test_a_photo_is_turned_as_its_camera_says() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned a quarter clockwise
    pixels = decode_image(file_of(halves(), "jpeg", exif=exif.tobytes(), quality=95), "image_url")
    assert pixels.shape == (16, 32, 3)
    assert pixels[8, 28, 0] > 200
    assert pixels[8, 3, 2] > 200


def test_what_is_transparent_is_white_in_an_image_and_kept_by_a_mask() -> None:
    image = Image.new("RGBA", (16, 16), (255, 255, 255, 0))
    image.paste((255, 255, 255, 255), (0, 0, 8, 16))
    assert (decode_image(file_of(image), "image_url") == 255).all()
    mask = decode_mask(file_of(image), "mask_url")
    assert (mask[:, :8] == 255).all()
    assert (mask[:, 8:] == 0).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_way_to_store_colours_is_read(mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.full((16, 16), 0x8000, np.uint16))
    else:
        image = Image.new("RGB", (16, 16), (255, 255, 255)).convert(mode)
    kind = "jpeg" if mode == "CMYK" else "png"
    pixels = decode_image(file_of(image, kind), "image_url")
    assert pixels.shape == (16, 16, 3)
    assert (pixels == (128 if mode == "I;16" else 255)).all()


def test_a_mask_is_white_or_black_and_nothing_between() -> None:
    ramp = Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (16, 1)))
    mask = decode_mask(file_of(ramp), "mask_url")
    assert mask.shape == (16, 256)
    assert (mask[:, :128] == 0).all()
    assert (mask[:, 128:] == 255).all()


@pytest.mark.parametrize("kind", ["gif", "bmp", "tiff", "ppm"])
def test_other_formats_are_refused(kind: str) -> None:
    assert "PNG, JPEG or WebP" in refusal(file_of(halves(), kind))


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<svg/>", b"\x89PNG\r\n\x1a\n", b"\0" * 5000])
def test_what_is_no_picture_is_refused_with_its_field(data: bytes) -> None:
    assert refusal(data).startswith("image_url is no picture that can be read; it must be")


@pytest.mark.parametrize("size", [(16_000, 11_250), (4001, 4000), (60_000, 60_000)])
def test_a_small_file_of_a_huge_picture_is_refused_before_it_is_decoded(
    size: tuple[int, int],
) -> None:
    assert "at most 16 million" in refusal(png_header_of(*size))


def test_the_bound_is_on_pixels_not_on_sides() -> None:
    assert MAX_PIXELS == 4000 * 4000
    image = Image.new("1", (8000, 16))
    assert decode_image(file_of(image), "image_url").shape == (16, 8000, 3)


def test_a_picture_of_a_few_pixels_is_refused() -> None:
    assert "at least 8 a side" in refusal(file_of(Image.new("RGB", (100, 7))))


SEGMENT = b"\xff\xfe\0\2"  # a comment of nothing
EXIF_BIT = b"\xff\xe1\0\x09Exif\0\0x"


TABLE = b"\xff\xdb\0\x43\0" + b"\1" * 64


def behind_the_start(part: bytes, count: int) -> bytes:
    whole = file_of(halves(), "jpeg")
    return whole[:2] + part * count + whole[2:]


def with_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes `count` times more."""
    whole = file_of(halves(), "jpeg", progressive=True)
    last = whole.rfind(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * count + whole[-2:]


def with_chunks(count: int) -> bytes:
    whole = file_of(halves(), "png")
    kind = b"teSt"
    chunk = struct.pack(">I", 0) + kind + struct.pack(">I", zlib.crc32(kind))
    return whole[:-12] + chunk * count + whole[-12:]


def webp_with(part: bytes, count: int) -> bytes:
    whole = file_of(halves(), "webp") + part * count
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


@pytest.mark.parametrize(
    "data",
    [
        behind_the_start(SEGMENT, MAX_SEGMENTS),
        behind_the_start(EXIF_BIT, MAX_SEGMENTS),
        behind_the_start(b"\xff" + SEGMENT + b"junk", MAX_SEGMENTS),
        behind_the_start(b"\xff\xe0\0\0", MAX_SEGMENTS),
        behind_the_start(TABLE[:2] + b"\xff\xff" + TABLE[4:5] + TABLE[5:] * 1024, 2),
        with_scans(MAX_SCANS),
        with_chunks(MAX_CHUNKS),
        webp_with(b"teSt\0\0\0\0", MAX_CHUNKS),
    ],
    ids=[
        *("segments", "EXIF in bits", "padded", "length 0", "tables", "scans", "chunks"),
        "a WebP's chunks",
    ],
)
def test_a_picture_of_too_many_parts_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.setattr(Image, "open", None)
    assert refusal(data).startswith("image_url is a picture of too many parts; it must be")


@pytest.mark.parametrize(
    "data",
    [
        behind_the_start(SEGMENT, MAX_SEGMENTS // 2),
        with_scans(MAX_SCANS // 2),
        with_chunks(MAX_CHUNKS // 2),
        # What comes behind a picture, a film of the same moment say, is not looked at.
        file_of(halves(), "jpeg") + SEGMENT * MAX_SEGMENTS,
        file_of(halves(), "jpeg", restart_marker_blocks=1),
    ],
    ids=["segments", "scans", "chunks", "a film behind it", "restarts"],
)
def test_a_picture_of_many_parts_is_read(data: bytes) -> None:
    assert decode_image(data, "image_url").shape == (32, 16, 3)


def test_a_png_without_any_pixels_is_refused() -> None:
    """Pillow raises an IndexError over it."""
    whole = file_of(halves())
    pixels = whole.find(b"IDAT") - 4
    assert "no picture that can be read" in refusal(whole[:pixels] + whole[-12:])


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_of_an_animation_the_first_picture_is_read(kind: str) -> None:
    blue = Image.new("RGB", (16, 16), BLUE)
    frames = {"save_all": True, "append_images": [blue] * 3}
    pixels = decode_image(
        file_of(Image.new("RGB", (16, 16), RED), kind, lossless=True, **frames), "image_url"
    )
    assert (pixels == RED).all()


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("profile", [b"", b"no profile", b"\0" * 200_000])
def test_a_colour_profile_changes_nothing(kind: str, profile: bytes) -> None:
    image = Image.new("RGB", (16, 16), (90, 90, 90))
    pixels = decode_image(file_of(image, kind, icc_profile=profile), "image_url")
    assert np.abs(pixels.astype(int) - 90).max() <= 2


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_file_that_was_cut_off_is_refused(kind: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = file_of(Image.fromarray(noise), kind)
    assert "no picture that can be read" in refusal(whole[: len(whole) // 2])


@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["png", "jpeg", "webp"]))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(data: st.DataObject, kind: str) -> None:
    whole = bytearray(file_of(halves(), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(whole)))
    # Any other exception fails the test.
    with suppress(GenerationError):
        assert decode_image(bytes(whole[:cut]), "image_url").shape[2] == 3
