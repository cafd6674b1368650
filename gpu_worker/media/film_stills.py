"""Picks what a film is shown by before it plays, while its frames stream past.

The first frame, and a few small ones for an animated preview: evenly spaced and within a bound,
however long the film gets. Nothing else of it is kept.
"""

from collections.abc import Sequence

from PIL import Image

from gpu_worker.media.picture_file import EncodedFile, FormatSpec, encode
from gpu_worker.media.thumbnail import THUMBNAIL_SIDE, shrunk
from gpu_worker.ports import Frames, Pixels

#: Of an animated preview; a film of 81 frames shows every fourth.
MAX_PREVIEW_FRAMES = 24

_ANIMATION = FormatSpec(
    content_type="image/webp", extension="webp", options={"quality": 70, "method": 4}
)


class FilmStills:
    def __init__(self, *, preview: bool) -> None:
        self._preview = preview
        #: The very first frame: a player that shows it as poster begins without a jump.
        self.first: Pixels | None = None
        #: At most MAX_PREVIEW_FRAMES of THUMBNAIL_SIDE, every `stride`th frame of the film.
        self.small: list[Image.Image] = []
        self.stride = 1
        self.seen = 0

    def add(self, frames: Frames) -> None:
        """The next frames, in order. What is kept of them is a copy."""
        for frame in frames:
            if self.first is None:
                self.first = frame.copy()
            if self._preview and self.seen % self.stride == 0:
                self._keep(frame)
            self.seen += 1

    def _keep(self, frame: Pixels) -> None:
        self.small.append(shrunk(frame, THUMBNAIL_SIDE))
        if len(self.small) > MAX_PREVIEW_FRAMES:
            del self.small[1::2]
            self.stride *= 2


def make_animation(images: Sequence[Image.Image], *, frame_seconds: float) -> EncodedFile:
    """A WebP that plays `images` (of one size, at least one) over and over."""
    return encode(
        images[0],
        "webp",
        _ANIMATION,
        save_all=True,
        append_images=images[1:],
        duration=round(frame_seconds * 1000),
        loop=0,
    )
