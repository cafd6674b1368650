"""At which size the model draws, and at which the picture is handed over. Pure."""

import math
from dataclasses import dataclass

from gpu_worker.engine.specs import ModelSpec, Size


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """Both as width, height in pixels; equal where the model draws what was asked for."""

    drawn: Size
    asked: Size


def decide_sizes(spec: ModelSpec, width: int | None, height: int | None) -> Sizes:
    """A side that is not given takes the model's own."""
    asked = (width or spec.default_size[0], height or spec.default_size[1])
    drawn = asked if spec.draws_any_size else nearest(asked, spec.native_sizes)
    return Sizes(drawn=drawn, asked=asked)


def nearest(asked: Size, native: tuple[Size, ...]) -> Size:
    """The native size whose ratio of sides is nearest: 2:1 is as far from 1:1 as 1:2 is."""
    ratio = math.log(asked[0] / asked[1])
    return min(native, key=lambda size: abs(math.log(size[0] / size[1]) - ratio))
