"""Files, thumbnails and placeholders of pictures, read back with the decoder that apps have too."""

import base64
import io

import numpy as np
import pytest
from fast_thumbhash import thumb_hash_to_approximate_aspect_ratio, thumb_hash_to_average_rgba
from PIL import Image

from gpu_worker.media.picture_file import FORMATS, encode_picture
from gpu_worker.media.thumbnail import THUMBNAIL_SIDE, make_thumbhash, make_thumbnail
from gpu_worker.ports import Pixels
from shared.request import OutputFormat

#: What a phone may be told about the mean colour of a lossy file, in 1/255.
COLOUR_TOLERANCE = 12


def painted(width: int, height: int) -> Pixels:
    """A gradient with a hard-edged box: something that a wrong order of axes would garble."""
    x = np.linspace(0, 255, width, dtype=np.uint8)
    y = np.linspace(0, 255, height, dtype=np.uint8)
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = x
    pixels[..., 1] = y[:, None]
    pixels[: height // 4, : width // 3] = (250, 20, 30)
    return pixels


def read(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "WEBP"]).convert("RGB")


def test_a_png_holds_exactly_the_pixels() -> None:
    pixels = painted(96, 64)
    encoded = encode_picture(pixels)
    assert np.array_equal(np.asarray(read(encoded.data)), pixels)
    assert (encoded.content_type, encoded.extension) == ("image/png", "png")
    assert (encoded.width, encoded.height) == (96, 64)


@pytest.mark.parametrize("picture_format", OutputFormat)
def test_every_format_is_what_it_says_and_looks_like_the_picture(
    picture_format: OutputFormat,
) -> None:
    pixels = painted(192, 128)
    encoded = encode_picture(pixels, picture_format)
    image = Image.open(io.BytesIO(encoded.data))
    assert image.get_format_mimetype() == encoded.content_type
    assert image.size == (encoded.width, encoded.height) == (192, 128)
    difference = np.abs(np.asarray(image.convert("RGB")).astype(int) - pixels)
    assert difference.mean() < 4


def test_formats_are_told_apart_by_their_extension() -> None:
    assert len({spec.extension for spec in FORMATS.values()}) == len(FORMATS)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1024, 1024), (256, 256)),
        ((1024, 512), (256, 128)),
        ((64, 2048), (8, 256)),
        ((128, 96), (128, 96)),
    ],
)
def test_a_thumbnail_keeps_the_proportions_and_never_grows(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    thumbnail = make_thumbnail(painted(*size))
    image = read(thumbnail.data)
    assert image.size == (thumbnail.width, thumbnail.height) == expected
    assert max(image.size) <= THUMBNAIL_SIDE
    assert thumbnail.content_type == "image/webp"


def test_a_thumbnail_shows_the_picture() -> None:
    pixels = painted(1024, 1024)
    small = np.asarray(read(make_thumbnail(pixels).data))
    assert np.allclose(small[20, 20], (250, 20, 30), atol=COLOUR_TOLERANCE)
    assert np.allclose(small[200, 200], pixels[800, 800], atol=COLOUR_TOLERANCE)


def test_a_thumbhash_tells_mean_colour_and_proportions_in_a_few_bytes() -> None:
    pixels = np.tile(np.array((40, 90, 220), np.uint8), (512, 1024, 1))
    thumbhash = base64.b64decode(make_thumbhash(pixels), validate=True)
    assert len(thumbhash) <= 30
    mean = np.array(thumb_hash_to_average_rgba(thumbhash)[:3]) * 255
    assert np.allclose(mean, (40, 90, 220), atol=COLOUR_TOLERANCE)
    assert thumb_hash_to_approximate_aspect_ratio(thumbhash) == pytest.approx(2, rel=0.2)


@pytest.mark.parametrize("size", [(2048, 64), (64, 2048), (64, 64)])
def test_extreme_shapes_have_a_file_a_thumbnail_and_a_thumbhash(size: tuple[int, int]) -> None:
    pixels = painted(*size)
    assert read(encode_picture(pixels).data).size == size
    assert read(make_thumbnail(pixels).data).width >= 1
    assert base64.b64decode(make_thumbhash(pixels), validate=True)
