"""What the commands that train a model have in common: arguments, the device, lines with a time."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

import torch


def training_parser(name: str, description: str | None, *, folder: Path) -> argparse.ArgumentParser:
    """For `python -m tools.NAME`: the arguments that need no knowledge of the stages."""
    parser = argparse.ArgumentParser(prog=f"python -m tools.{name}", description=description)
    parser.add_argument("--hours", type=float, help="split among the stages, instead of steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=folder, help="states and latents")
    parser.add_argument("--out", type=Path, help="where to export to; FOLDER/export if left out")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--device", help="cuda or cpu; the GPU if there is one")
    parser.add_argument("--smoke", action="store_true", help="tiny, to see that all stages run")
    return parser


def export_folder(chosen: argparse.Namespace) -> Path:
    target: Path = chosen.out or chosen.folder / "export"
    return target


def prepare_device(chosen: argparse.Namespace) -> torch.device:
    """The device asked for, or the GPU if there is one; and as many threads as asked for."""
    torch.set_num_threads(chosen.threads)
    return torch.device(chosen.device or ("cuda" if torch.cuda.is_available() else "cpu"))


def say(line: str) -> None:
    """With the time in UTC, which all machines share that a folder may go on at."""
    print(f"{datetime.now(UTC):%H:%M:%S} {line}", flush=True)
