"""Paints a batch of scenes of one size at once, anti-aliased by the distance to the outlines.

A pixel is covered by the share that its distance to the edge gives, which for a straight edge is
what supersampling without end would give, to within a tenth.
"""

import torch
import torch.nn.functional as nn
from torch import Tensor

from tools.shapes.names import COLOURS, PALETTE, SHAPES
from tools.shapes.outlines import EXTENT, distance_grids
from tools.shapes.scene import Finish, Scene

#: Pixels over which an edge runs.
EDGE_PIXELS = 1.0
BLURRED_EDGE_PIXELS = 9.0
#: Brightness gained at the lit edge and lost at the other.
SHADE = 0.16
SHADOW_STRENGTH = 0.35
SHADOW_SHIFT = 0.12
#: Colours vary by chance this much to each side, in shares of full brightness.
COLOUR_SPREAD = 0.015


def paint(scenes: list[Scene], generator: torch.Generator | None = None) -> Tensor:
    """(n, 3, height, width) in −1…1; scenes of one size. A `generator` varies colours a little."""
    sizes = {scene.size for scene in scenes}
    if len(sizes) != 1:
        raise ValueError(f"scenes are of the sizes {sorted(sizes)}; they must be of one size")
    width, height = sizes.pop()
    palette = torch.tensor([PALETTE[colour] for colour in COLOURS]) / 255
    pictures = _background(scenes, palette, width, height, generator)
    for layer in range(max(len(scene.things) for scene in scenes)):
        rows = [index for index, scene in enumerate(scenes) if len(scene.things) > layer]
        pictures[rows] = _over(
            pictures[rows], [scenes[row] for row in rows], layer, palette, generator
        )
    return pictures.clamp(0, 1) * 2 - 1


def _background(
    scenes: list[Scene],
    palette: Tensor,
    width: int,
    height: int,
    generator: torch.Generator | None,
) -> Tensor:
    colours = palette[[COLOURS.index(scene.background) for scene in scenes]]
    pictures = _vary(colours, generator)[:, :, None, None].repeat(1, 1, height, width)
    shaded = torch.tensor([scene.finish is Finish.SHADED for scene in scenes])
    fall = torch.linspace(SHADE, -SHADE, height)[None, None, :, None]
    return pictures * torch.where(shaded[:, None, None, None], 1 + fall, torch.ones_like(fall))


def _over(
    pictures: Tensor,
    scenes: list[Scene],
    layer: int,
    palette: Tensor,
    generator: torch.Generator | None,
) -> Tensor:
    """Thing number `layer` of every scene, painted over `pictures`."""
    things = [scene.things[layer] for scene in scenes]
    grids = distance_grids()[[SHAPES.index(thing.shape) for thing in things]]
    place = torch.tensor([(thing.x, thing.y, thing.radius) for thing in things])
    x, y, radius = (place[:, column, None, None] for column in range(3))
    height, width = pictures.shape[2:]
    across = (torch.arange(width) + 0.5 - x) / radius
    down = (torch.arange(height)[:, None] + 0.5 - y) / radius
    across, down = _turned(across, down, torch.tensor([thing.angle for thing in things]))
    edge = torch.tensor([_edge_pixels(scene) for scene in scenes])[:, None, None, None]

    casts = torch.tensor([scene.finish is Finish.SHADOW for scene in scenes])
    if casts.any():
        away = _look_up(grids, across - SHADOW_SHIFT, down - SHADOW_SHIFT)
        shadow = SHADOW_STRENGTH * torch.sigmoid(-away * 16)
        pictures = pictures * (1 - shadow * casts[:, None, None, None])

    away = _look_up(grids, across, down) * radius[:, None]
    cover = (0.5 - away / edge).clamp(0, 1)
    colours = _vary(palette[[COLOURS.index(thing.colour) for thing in things]], generator)
    lit = torch.tensor([scene.finish is Finish.SHADED for scene in scenes])[:, None, None]
    light = 1 - SHADE * (across + down).clamp(-1, 1) * lit
    return pictures * (1 - cover) + cover * colours[:, :, None, None] * light[:, None]


def _turned(across: Tensor, down: Tensor, angles: Tensor) -> tuple[Tensor, Tensor]:
    """The places as a thing sees them that is turned clockwise by `angles` (n,)."""
    if not angles.any():
        return across, down
    cosine, sine = angles.cos()[:, None, None], angles.sin()[:, None, None]
    return across * cosine + down * sine, down * cosine - across * sine


def _look_up(grids: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Signed distance in radii at places that broadcast to (n, height, width), with a channel."""
    shape = (len(grids), down.shape[1], across.shape[2])
    where = torch.stack([across.expand(shape), down.expand(shape)], -1) / EXTENT
    return nn.grid_sample(grids, where, padding_mode="border", align_corners=True)


def _edge_pixels(scene: Scene) -> float:
    return BLURRED_EDGE_PIXELS if scene.finish is Finish.BLURRED else EDGE_PIXELS


def _vary(colours: Tensor, generator: torch.Generator | None) -> Tensor:
    if generator is None:
        return colours
    return colours + (torch.rand(colours.shape, generator=generator) * 2 - 1) * COLOUR_SPREAD
