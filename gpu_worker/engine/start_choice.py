"""What shortens an engine's start, as its supervisor writes and as it reads it. Free of torch."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Self

#: Where an image has its models.
BAKED_DIR = Path("/baked")


@dataclass(frozen=True, kw_only=True, slots=True)
class StartChoice:
    #: Where models may have been baked; they are preferred to the hub's. None: nowhere.
    baked: Path | None = None

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        parser.add_argument("--baked-dir", type=Path, help="where `bake` has put models, if it has")

    @classmethod
    def of(cls, options: Namespace) -> Self:
        return cls(baked=options.baked_dir)

    def arguments(self) -> list[str]:
        """What `of` reads."""
        return [] if self.baked is None else ["--baked-dir", str(self.baked)]
