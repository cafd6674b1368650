"""Which models one engine process holds: one for pictures, one for films, either may be missing.

Free of torch: the supervisor writes a choice as the arguments that the process reads.
"""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from gpu_worker.engine.specs import (
    NO_MODEL,
    FilmSpec,
    PictureSpec,
    find_film_spec,
    find_picture_spec,
    served_tasks,
)
from shared.errors import ErrorCode, GenerationError
from shared.request import TaskType


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelChoice:
    """Names of the two tables, or NO_MODEL; folders stand in for the models' own sources."""

    picture: str = NO_MODEL
    picture_folder: Path | None = None
    film: str = NO_MODEL
    film_folder: Path | None = None

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        parser.add_argument("--model", default=NO_MODEL, help="a name of the table of models")
        parser.add_argument("--model-dir", type=Path, help="a diffusers checkpoint in its place")
        parser.add_argument("--film-model", default=NO_MODEL, help="likewise, for films")
        parser.add_argument("--film-model-dir", type=Path, help="likewise, for films")

    @classmethod
    def of(cls, options: Namespace) -> Self:
        return cls(
            picture=options.model,
            picture_folder=options.model_dir,
            film=options.film_model,
            film_folder=options.film_model_dir,
        )

    def arguments(self) -> list[str]:
        """What `of` reads."""
        arguments = ["--model", self.picture, "--film-model", self.film]
        if self.picture_folder is not None:
            arguments += ["--model-dir", str(self.picture_folder)]
        if self.film_folder is not None:
            arguments += ["--film-model-dir", str(self.film_folder)]
        return arguments

    def specs(self) -> tuple[PictureSpec | None, FilmSpec | None]:
        """Raises `GenerationError` for a name that there is not, and when there is none at all."""
        if self.picture == self.film == NO_MODEL:
            raise GenerationError(
                ErrorCode.INTERNAL,
                f"Both models are {NO_MODEL!r}; the engine must have one for pictures or films.",
            )
        return (
            None if self.picture == NO_MODEL else find_picture_spec(self.picture),
            None if self.film == NO_MODEL else find_film_spec(self.film),
        )

    def tasks(self) -> tuple[TaskType, ...]:
        """What these models do. Raises as `specs` does."""
        return served_tasks(*self.specs())
