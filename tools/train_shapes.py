"""Trains the embedded `shapes` model from nothing: `python -m tools.train_shapes --hours 8`.

Killed or ended, the same command goes on where it was.
"""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

import torch

from tools.shapes.course import Course
from tools.shapes.recipe import FULL_RECIPE, LORA, SMOKE_RECIPE, STAGES

FOLDER = Path("build/shapes")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.train_shapes", description=__doc__)
    parser.add_argument("--hours", type=float, help="split among the stages, instead of steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--until", choices=STAGES, default=LORA, help="last stage to train")
    parser.add_argument(
        "--only", choices=STAGES, nargs="+", default=STAGES, help="stages, with --start"
    )
    parser.add_argument("--start", type=Path, help="a checkpoint to go on from")
    parser.add_argument(
        "--still-texts",
        action="store_true",
        help="with --start: text encoders as they are, so that refiner and LoRA stay true",
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="states and latents")
    parser.add_argument("--out", type=Path, help="checkpoints; FOLDER/export if left out")
    parser.add_argument("--pictures", type=int, help="square pictures to learn from")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--device", help="cuda or cpu; the GPU if there is one")
    parser.add_argument("--smoke", action="store_true", help="tiny, to see that all stages run")
    parser.add_argument("--export-only", action="store_true", help="write what the states hold")
    chosen = parser.parse_args()
    if chosen.only != STAGES and chosen.start is None:
        parser.error("--only needs --start: what a stage builds on must come from somewhere")
    if chosen.still_texts and chosen.start is None:
        parser.error("--still-texts needs --start: untrained text encoders say nothing")
    torch.set_num_threads(chosen.threads)
    recipe = SMOKE_RECIPE if chosen.smoke else FULL_RECIPE
    course = Course(
        recipe=recipe.with_pictures(chosen.pictures) if chosen.pictures else recipe,
        folder=chosen.folder,
        target=chosen.out or chosen.folder / "export",
        seed=chosen.seed,
        device=torch.device(chosen.device or ("cuda" if torch.cuda.is_available() else "cpu")),
        hours=chosen.hours,
        start=chosen.start,
        still_texts=chosen.still_texts,
        report=_say,
    )
    if chosen.export_only:
        _say(f"exported to {course.export_as_it_is()}")
    else:
        course.run(chosen.until, chosen.only)


def _say(line: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {line}", flush=True)


if __name__ == "__main__":
    main()
