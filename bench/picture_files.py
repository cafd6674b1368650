"""`python -m bench.picture_files`: what levels of PNG compression cost, and the other formats.

A picture of 1024 × 1024, photo-like and of flat shapes, through the worker's own encoder: processor
seconds, the least of some rounds, and the file's size. Bound: half a minute.
"""

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from PIL import Image

from bench.pictures import photo
from bench.report import write_section
from gpu_worker.media.picture_file import FORMATS, encode
from gpu_worker.ports import Pixels
from shared.request import OutputFormat

SIDE = 1024
LEVELS = (1, 2, 4, 6, 9)
ROUNDS = 3
MILLISECONDS = 1000
KILOBYTE = 1000


def main() -> None:
    pictures: dict[str, Pixels] = {"photo": photo(SIDE), "flat": _flat()}
    chosen = FORMATS[OutputFormat.PNG].options["compress_level"]
    rows = []
    for level in LEVELS:
        cells = [_cell(it, OutputFormat.PNG, {"compress_level": level}) for it in pictures.values()]
        name = f"PNG, level {level}"
        rows.append([f"**{name}**" if level == chosen else name, *cells])
    rows += [
        [kind.value, *(_cell(it, kind, {}) for it in pictures.values())]
        for kind in (OutputFormat.JPEG, OutputFormat.WEBP)
    ]
    write_section("picture-files", ["1024 × 1024", *pictures], rows)


def _cell(pixels: Pixels, kind: OutputFormat, options: Mapping[str, int]) -> str:
    spec = FORMATS[kind]
    spec = replace(spec, options={**spec.options, **options})
    image = Image.fromarray(pixels)
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        file = encode(image, kind.value, spec)
        taken.append(time.process_time() - began)
    return f"{min(taken) * MILLISECONDS:.0f} ms, {len(file.data) / KILOBYTE:.0f} kB"


def _flat() -> Pixels:
    """Shapes without noise."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    disc = ((x - 0.5) ** 2 + (y - 0.5) ** 2 < 1 / 9)[..., None]
    return np.where(disc, (230, 40, 40), (42, 88, 218)).astype(np.uint8)


if __name__ == "__main__":
    main()
