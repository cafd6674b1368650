"""The numbers of a whole training run: how wide, how long, on what.

`FULL_RECIPE` is for a checkpoint worth keeping; `SMOKE_RECIPE` walks every line of the way in half
a minute and draws nothing worth looking at.
"""

from dataclasses import dataclass, replace

from tools.shapes.parts import FULL, TINY, Widths
from tools.shapes.scene import Size

AUTOENCODER = "autoencoder"
BASE = "base"
DECODER = "decoder"
REFINER = "refiner"
LORA = "lora"
#: In the order in which they are trained.
STAGES = (AUTOENCODER, BASE, DECODER, REFINER, LORA)

#: Of a budget in hours, what each stage gets.
SHARES = {AUTOENCODER: 0.16, BASE: 0.6, DECODER: 0.12, REFINER: 0.09, LORA: 0.03}


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    widths: Widths
    #: Steps of every stage, where no hours are given.
    steps: dict[str, int]
    #: How many pictures of each size the denoisers learn from; the first size is the main one.
    pictures: dict[Size, int]
    #: Pictures of a step: square ones of 128 pixels, or as many latents of other sizes.
    batch: int = 32
    autoencoder_batch: int = 8

    def with_pictures(self, count: int) -> "Recipe":
        """The same with `count` pictures of the main size, and of the others in proportion."""
        factor = count / next(iter(self.pictures.values()))
        return replace(self, pictures={size: int(n * factor) for size, n in self.pictures.items()})


FULL_RECIPE = Recipe(
    widths=FULL,
    steps={AUTOENCODER: 8_000, BASE: 40_000, DECODER: 6_000, REFINER: 6_000, LORA: 600},
    pictures={(128, 128): 40_000, (192, 128): 8_000, (128, 192): 8_000},
)
SMOKE_RECIPE = Recipe(
    widths=TINY,
    steps={AUTOENCODER: 6, BASE: 6, DECODER: 4, REFINER: 4, LORA: 4},
    pictures={(64, 64): 32, (96, 64): 16},
    batch=8,
    autoencoder_batch=2,
)
