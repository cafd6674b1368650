"""A preview as a file small enough to be a field of the document: at most MAX_PREVIEW_BYTES."""

import io

from PIL import Image

from gpu_worker.ports import Pixels

#: Of the document's 1 MiB, and written about once a second.
MAX_PREVIEW_BYTES = 12_000
#: Pillow's, from fine to coarse: the first that fits is taken. 128 × 128 pixels of pure noise fit
#: at the last.
QUALITIES = (70, 40, 10)


def make_preview(pixels: Pixels) -> bytes:
    """A WebP of `pixels`, which are at most 128 a side."""
    image = Image.fromarray(pixels)
    data = b""
    for quality in QUALITIES:
        buffer = io.BytesIO()
        image.save(buffer, "webp", quality=quality, method=4)
        data = buffer.getvalue()
        if len(data) <= MAX_PREVIEW_BYTES:
            break
    return data
