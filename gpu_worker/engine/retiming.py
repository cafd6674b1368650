"""Frames of a film resampled in time, as they come: two of them are held at once.

Linear: a frame between two of the model's is their mixture. What moves a few pixels from one to the
other gets a soft edge there, like a camera's motion blur; the nearest frame instead would stand
still for several frames and then jump. The model's own frames come through unchanged where their
time is asked for, the first and the last always.
"""

from collections.abc import Iterator

import numpy as np

from gpu_worker.ports import Pixels


def retimed(frames: Iterator[Pixels], drawn: int, asked: int) -> Iterator[Pixels]:
    """`asked` frames over the same time as the `drawn` ones in `frames`; both at least 2."""
    if drawn == asked:
        yield from frames
        return
    index, before, after = 0, next(frames), next(frames)
    for number in range(asked):
        # Exact in whole numbers: of a float's last bit, the last frame would be beyond the end.
        at, parts = divmod(number * (drawn - 1), asked - 1)
        while index < at and index < drawn - 2:
            index, before, after = index + 1, after, next(frames)
        yield _mixed(before, after, parts / (asked - 1) if index == at else 1.0)


def _mixed(before: Pixels, after: Pixels, share: float) -> Pixels:
    """`share` (0 … 1) of `after`, the rest of `before`."""
    if share in (0, 1):
        return after if share else before
    mixture = before.astype(np.float32)
    mixture += (after.astype(np.float32) - mixture) * share
    return np.rint(mixture).astype(np.uint8)
