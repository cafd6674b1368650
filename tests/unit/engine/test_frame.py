"""`Frame`: image and mask brought to the size that is drawn."""

import numpy as np

from gpu_worker.engine.framing import Frame


def test_image_and_mask_fill_the_frame_and_fit_each_other() -> None:
    image = np.zeros((100, 300, 3), np.uint8)
    image[:, 150:] = 255
    mask = np.zeros((50, 150), np.uint8)
    mask[:, 75:] = 255
    frame = Frame.of(image, mask, (64, 64))
    assert frame.mask is not None
    assert frame.image.shape == (64, 64, 3)
    assert (frame.image[:, 40:] > 250).all()
    assert (frame.mask[:, 40:] == 255).all()
    assert (frame.image[:, :24] < 5).all()
    assert (frame.mask[:, :24] == 0).all()


def test_a_mask_touches_whole_latents() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[9, 17] = 255
    frame = Frame.of(np.zeros((64, 64, 3), np.uint8), mask, (64, 64))
    drawn = np.asarray(frame.drawn_mask((64, 64)))
    assert (drawn[8:16, 16:24] == 255).all()
    assert drawn.sum() == 255 * 64
