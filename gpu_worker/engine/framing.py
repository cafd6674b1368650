"""An input image and its mask at the size of the picture to be made, and the picture put around.

The image covers the frame: scaled in its own proportions and cut at its centre where those of the
frame are others. The mask goes the same way, so that they fit each other to the pixel.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from gpu_worker.engine.specs import Size
from gpu_worker.ports import Mask, Pixels

#: A latent stands for this many pixels a side.
LATENT_PIXELS = 8
#: From here up a mask's pixel is painted anew, after it was scaled.
MASK_THRESHOLD = 128


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Frame:
    """All of the size asked for."""

    image: Pixels
    #: None in img2img.
    mask: Mask | None = None

    @classmethod
    def of(cls, image: Pixels, mask: Mask | None, size: Size) -> "Frame":
        height, width, _ = image.shape
        covering = None
        if mask is not None:
            over_image = Image.fromarray(mask).resize((width, height), Image.Resampling.BILINEAR)
            grey = _cover(over_image, size, Image.Resampling.BILINEAR)
            covering = np.where(grey >= MASK_THRESHOLD, 255, 0).astype(np.uint8)
        return cls(
            image=_cover(Image.fromarray(image), size, Image.Resampling.LANCZOS), mask=covering
        )

    def drawn_image(self, size: Size) -> Pixels:
        """The image at the size at which the model draws."""
        return resized(self.image, size)

    def drawn_mask(self, size: Size) -> Image.Image:
        """The mask at that size, in whole latents: one that is painted in part is painted anew.

        The pipeline looks at one pixel of each, and would overlook thin strokes.
        """
        if self.mask is None:
            raise AssertionError("there is no mask in this frame")
        mask = self.mask
        if (mask.shape[1], mask.shape[0]) != size:
            spread = Image.fromarray(mask).resize(size, Image.Resampling.BOX)
            mask = np.where(np.asarray(spread) > 0, 255, 0).astype(np.uint8)
        rows, columns = size[1] // LATENT_PIXELS, size[0] // LATENT_PIXELS
        blocks = mask.reshape(rows, LATENT_PIXELS, columns, LATENT_PIXELS).max(axis=(1, 3))
        whole = blocks.repeat(LATENT_PIXELS, axis=0).repeat(LATENT_PIXELS, axis=1)
        return Image.fromarray(whole)

    def keep_unmasked(self, picture: Pixels) -> Pixels:
        """`picture` (of the asked size) where the mask is white, else exactly the image."""
        if self.mask is None:
            return picture
        return np.where(self.mask[..., None] > 0, picture, self.image)


def resized(pixels: Pixels, size: Size) -> Pixels:
    height, width, _ = pixels.shape
    if (width, height) == size:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def _cover(image: Image.Image, size: Size, how: Image.Resampling) -> Pixels:
    if image.size == size:
        return np.asarray(image)
    return np.asarray(ImageOps.fit(image, size, how))
