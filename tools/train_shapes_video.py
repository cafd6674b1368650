"""Trains the embedded film model from nothing: `python -m tools.train_shapes_video --hours 4`.

Killed or ended, the same command goes on where it was.
"""

from pathlib import Path

from tools.shapes.training_command import export_folder, prepare_device, say, training_parser
from tools.shapes_video.course import FULL_RECIPE, SMOKE_RECIPE, STAGES, VideoCourse

FOLDER = Path("build/shapes-film")


def main() -> None:
    parser = training_parser("train_shapes_video", __doc__, folder=FOLDER)
    parser.add_argument(
        "--only", choices=STAGES, nargs="*", default=STAGES, help="stages; others as they are"
    )
    parser.add_argument("--clips", type=int, help="of each size, to learn from")
    chosen = parser.parse_args()
    recipe = SMOKE_RECIPE if chosen.smoke else FULL_RECIPE
    target = VideoCourse(
        recipe=recipe.with_clips(chosen.clips) if chosen.clips else recipe,
        folder=chosen.folder,
        target=export_folder(chosen),
        seed=chosen.seed,
        device=prepare_device(chosen),
        hours=chosen.hours,
        report=say,
    ).run(chosen.only)
    say(f"exported to {target}")


if __name__ == "__main__":
    main()
