"""Paints clips: every frame is a scene, painted as pictures are."""

from collections.abc import Sequence

from torch import Tensor

from tools.shapes.painting import paint
from tools.shapes_video.clip import FRAMES, Clip


def paint_clips(clips: Sequence[Clip], *, first: int = 0, count: int = FRAMES) -> Tensor:
    """(n, 3, count, height, width) in −1…1, from frame `first` on; clips of one size."""
    scenes = [scene for clip in clips for scene in clip.scenes(first, count)]
    width, height = clips[0].size
    frames = paint(scenes).view(len(clips), count, 3, height, width)
    return frames.permute(0, 2, 1, 3, 4).contiguous()
