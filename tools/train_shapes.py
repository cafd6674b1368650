"""Trains the embedded `shapes` model from nothing: `python -m tools.train_shapes --hours 8`.

Killed or ended, the same command goes on where it was.
"""

from pathlib import Path

from tools.shapes.course import Course
from tools.shapes.recipe import FULL_RECIPE, LORA, SMOKE_RECIPE, STAGES
from tools.shapes.training_command import export_folder, prepare_device, say, training_parser

FOLDER = Path("build/shapes")


def main() -> None:
    parser = training_parser("train_shapes", __doc__, folder=FOLDER)
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
    parser.add_argument("--pictures", type=int, help="square pictures to learn from")
    parser.add_argument("--export-only", action="store_true", help="write what the states hold")
    chosen = parser.parse_args()
    if chosen.only != STAGES and chosen.start is None:
        parser.error("--only needs --start: what a stage builds on must come from somewhere")
    if chosen.still_texts and chosen.start is None:
        parser.error("--still-texts needs --start: untrained text encoders say nothing")
    recipe = SMOKE_RECIPE if chosen.smoke else FULL_RECIPE
    course = Course(
        recipe=recipe.with_pictures(chosen.pictures) if chosen.pictures else recipe,
        folder=chosen.folder,
        target=export_folder(chosen),
        seed=chosen.seed,
        device=prepare_device(chosen),
        hours=chosen.hours,
        start=chosen.start,
        still_texts=chosen.still_texts,
        report=say,
    )
    if chosen.export_only:
        say(f"exported to {course.export_as_it_is()}")
    else:
        course.run(chosen.until, chosen.only)


if __name__ == "__main__":
    main()
