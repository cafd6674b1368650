"""What is no picture is taken from a stranger's file before a decoder sees it; its turn is kept."""

import io
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from gpu_worker.media.bare_picture import BarePicture, bare_picture
from gpu_worker.media.exif_orientation import ORIENTATIONS, UPRIGHT, read_orientation
from gpu_worker.media.input_picture import decode_image

KINDS = ("png", "jpeg", "webp")
SECRET = b"whispered"


def picture(mode: str = "RGB") -> Image.Image:
    noise = np.random.default_rng(1).integers(0, 256, (24, 16, 3), dtype=np.uint8)
    return Image.fromarray(noise).convert(mode)


def file_of(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif_with(orientation: int, order: str = "<") -> bytes:
    """An EXIF block of two lists; the first says `orientation`, after a text."""
    exif = Image.Exif()
    exif.endian = order
    exif[ExifTags.Base.ImageDescription] = SECRET.decode()
    exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSDateStamp] = SECRET.decode()
    return exif.tobytes()


def full_of_words(kind: str) -> bytes:
    """A picture with `SECRET` wherever a file of that kind may hold it."""
    options: dict[str, Any] = {"exif": exif_with(6), "icc_profile": SECRET * 30}
    if kind == "png":
        texts = PngInfo()
        texts.add_text("Comment", SECRET.decode())
        texts.add_itxt("XML:com.adobe.xmp", SECRET.decode())
        texts.add(b"prIv", SECRET)
        options["pnginfo"] = texts
    else:
        options["xmp"] = SECRET
    if kind == "jpeg":
        options["comment"] = SECRET
    return file_of(picture(), kind, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_makes_pixels_reaches_the_decoder(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    whole = full_of_words(kind)
    assert SECRET in whole
    seen = []
    opened = Image.open

    def look(file: io.BytesIO, **options: Any) -> Image.Image:
        seen.append(file.getvalue())
        return opened(file, **options)

    monkeypatch.setattr(Image, "open", look)
    pixels = decode_image(whole, "image_url")
    assert pixels.shape == (16, 24, 3)
    assert seen
    assert not any(SECRET in it or b"xif" in it for it in seen)


MODES = {
    "png": ("1", "L", "LA", "P", "RGB", "RGBA"),
    "jpeg": ("L", "RGB", "CMYK"),
    "webp": ("RGB", "RGBA"),
}


@pytest.mark.parametrize(("kind", "mode"), [(it, mode) for it in MODES for mode in MODES[it]])
def test_its_pixels_are_those_of_the_whole_file(kind: str, mode: str) -> None:
    whole = file_of(picture(mode), kind, exif=exif_with(1), icc_profile=SECRET)
    bare = bare_picture(whole)
    assert len(bare.data) < len(whole)
    there, here = Image.open(io.BytesIO(whole)), Image.open(io.BytesIO(bare.data))
    assert (here.mode, here.size) == (there.mode, there.size)
    assert here.tobytes() == there.tobytes()
    assert here.info.keys() <= there.info.keys() - {"exif", "icc_profile"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_without_anything_else_stays_as_it_is(kind: str) -> None:
    whole = file_of(picture(), kind)
    assert bare_picture(whole) == BarePicture(data=whole, orientation=UPRIGHT)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_picture_is_turned_as_pillow_turns_it(kind: str, order: str, orientation: int) -> None:
    whole = file_of(picture(), kind, exif=exif_with(orientation, order))
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(whole))).convert("RGB")
    assert (decode_image(whole, "image_url") == np.asarray(upright)).all()


@pytest.mark.parametrize("value", [0, 9, 65_535])
def test_a_turn_that_there_is_none_is_upright(value: int) -> None:
    assert read_orientation(exif_with(value).removeprefix(b"Exif\0\0")) == UPRIGHT


def test_a_turn_of_another_type_is_upright() -> None:
    entry = struct.pack("<HHII", ExifTags.Base.Orientation, 5, 1, 6)
    assert read_orientation(b"II*\0" + struct.pack("<IH", 8, 1) + entry) == UPRIGHT


def test_lists_that_share_their_bytes_are_not_read() -> None:
    """17 MB of this kept Pillow busy for a minute, with 1.7 GB: each number of each list."""
    count, shared = 11, 4000
    entries = b"".join(
        struct.pack("<HHII", 0xB000 + tag, 5, shared // 8, 8 + 2 + 12 * (count + 4))
        for tag in range(count)
    )
    lists = b"".join(
        struct.pack("<HHII", tag, 4, 1, 8)
        for tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.Interop)
    )
    turn = struct.pack("<HHIHH", ExifTags.Base.Orientation, 3, 1, 6, 0)
    block = b"II*\0" + struct.pack("<IH", 8, count + 4) + turn + lists + entries + bytes(shared)
    whole = file_of(picture(), "png", exif=block)
    assert bare_picture(whole) == BarePicture(data=file_of(picture(), "png"), orientation=6)


@given(st.binary(max_size=60), st.sampled_from([b"II*\0", b"MM\0*", b""]))
def test_any_bytes_say_some_turn(tail: bytes, start: bytes) -> None:
    assert read_orientation(start + tail) in ORIENTATIONS


@given(st.data(), st.sampled_from(KINDS))
def test_a_damaged_file_stays_one_of_its_kind_and_grows_no_longer(
    data: st.DataObject, kind: str
) -> None:
    whole = bytearray(full_of_words(kind))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(12, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(whole[: data.draw(st.integers(12, len(whole)))])
    bare = bare_picture(damaged)
    assert len(bare.data) <= len(damaged)
    assert bare.data[:2] == damaged[:2]
    assert bare.orientation in ORIENTATIONS
