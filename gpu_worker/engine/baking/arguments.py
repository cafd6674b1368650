"""The arguments of `bake`: read by the worker's command and by the one of the image's build."""

from argparse import ArgumentParser
from pathlib import Path

from gpu_worker.engine.baking.rows import MODELS_FILE


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("kind", help="which models, a table of the list: image, video")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="made if missing")
    parser.add_argument(
        "--models", type=Path, default=MODELS_FILE, metavar="FILE", help="another list (TOML)"
    )
    parser.add_argument(
        "--compile", action="store_true", help="compile them too, for GPUs like this machine's"
    )
    parser.add_argument(
        "--verify", action="store_true", help="compare what is there with its manifest; no more"
    )
