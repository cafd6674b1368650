"""Trains the embedded film model from nothing: `python -m tools.train_shapes_video --hours 4`.

Killed or ended, the same command goes on where it was.
"""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

import torch

from tools.shapes_video.course import FULL_RECIPE, SMOKE_RECIPE, STAGES, VideoCourse

FOLDER = Path("build/shapes-film")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.train_shapes_video", description=__doc__)
    parser.add_argument("--hours", type=float, help="split among the stages, instead of steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only", choices=STAGES, nargs="*", default=STAGES, help="stages; others as they are"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="states and latents")
    parser.add_argument("--out", type=Path, help="the checkpoint; FOLDER/export if left out")
    parser.add_argument("--clips", type=int, help="of each size, to learn from")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--device", help="cuda or cpu; the GPU if there is one")
    parser.add_argument(
        "--fused", action="store_true", help="compile the transformer; wants a C++ compiler"
    )
    parser.add_argument("--smoke", action="store_true", help="tiny, to see that all stages run")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    recipe = SMOKE_RECIPE if chosen.smoke else FULL_RECIPE
    target = VideoCourse(
        recipe=recipe.with_clips(chosen.clips) if chosen.clips else recipe,
        folder=chosen.folder,
        target=chosen.out or chosen.folder / "export",
        seed=chosen.seed,
        device=torch.device(chosen.device or ("cuda" if torch.cuda.is_available() else "cpu")),
        hours=chosen.hours,
        fused=chosen.fused,
        report=_say,
    ).run(chosen.only)
    _say(f"exported to {target}")


def _say(line: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {line}", flush=True)


if __name__ == "__main__":
    main()
