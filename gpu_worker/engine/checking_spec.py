"""Which check looks at what the models make, and what it takes for not allowed. Free of torch."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from gpu_worker.engine.specs import FolderSource, HubSource, ModelSpec, Source
from shared.errors import ErrorCode, GenerationError

#: What every checkpoint of transformers has at its top.
CONFIG_FILE = "config.json"
#: The check that the models ask for in their table, if any does.
AUTO_CHECK = "auto"
NO_CHECK = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageCheckSpec:
    """A classifier of pictures, loaded by transformers."""

    name: str
    source: Source
    #: Classes that are not allowed; the classifier must know them all.
    rejected: tuple[str, ...]
    #: 0 … 1: from which probability of these classes together on a picture is refused.
    threshold: float


#: Falconsai's ViT of 86 million parameters; its card gives an accuracy of 98 % on its own pictures.
NSFW = ImageCheckSpec(
    name="nsfw",
    source=HubSource(
        repository="Falconsai/nsfw_image_detection",
        revision="96cb0d0342c7afb80cab76ecc58b265fa44da256",
    ),
    rejected=("nsfw",),
    threshold=0.5,
)
IMAGE_CHECKS = {NSFW.name: NSFW}


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckChoice:
    """A name of the table, AUTO_CHECK or NO_CHECK; `folder` stands in for the check's source."""

    name: str = AUTO_CHECK
    folder: Path | None = None
    #: Instead of the check's own.
    threshold: float | None = None

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        parser.add_argument(
            "--image-check",
            choices=(AUTO_CHECK, *IMAGE_CHECKS, NO_CHECK),
            default=AUTO_CHECK,
            help="looks at what is made (default: the model's own, if it has one)",
        )
        parser.add_argument(
            "--image-check-dir", type=Path, help="load it from this directory (transformers)"
        )
        parser.add_argument(
            "--image-check-threshold", type=float, help="from which probability on it refuses"
        )

    @classmethod
    def of(cls, options: Namespace) -> Self:
        return cls(
            name=options.image_check,
            folder=options.image_check_dir,
            threshold=options.image_check_threshold,
        )

    def arguments(self) -> list[str]:
        """What `of` reads."""
        arguments = ["--image-check", self.name]
        if self.folder is not None:
            arguments += ["--image-check-dir", str(self.folder)]
        if self.threshold is not None:
            arguments += ["--image-check-threshold", repr(self.threshold)]
        return arguments

    def spec(self, *models: ModelSpec | None) -> ImageCheckSpec | None:
        """The check for an engine with these models, as chosen; None for none.

        Raises `GenerationError` for a folder that holds no checkpoint. A folder is a choice of its
        own: with AUTO_CHECK it is used for every model.
        """
        if self.name == NO_CHECK:
            return None
        wanted = any(model is not None and model.is_checked for model in models)
        if self.name == AUTO_CHECK and not wanted and self.folder is None:
            return None
        spec = NSFW if self.name == AUTO_CHECK else IMAGE_CHECKS[self.name]
        source = spec.source
        if self.folder is not None:
            if not (self.folder / CONFIG_FILE).is_file():
                raise GenerationError(
                    ErrorCode.INTERNAL,
                    f"The image check {spec.name} cannot be loaded: {self.folder} has no "
                    f"{CONFIG_FILE}; it must be the folder of a transformers checkpoint.",
                )
            source = FolderSource(folder=self.folder)
        return ImageCheckSpec(
            name=spec.name,
            source=source,
            rejected=spec.rejected,
            threshold=spec.threshold if self.threshold is None else self.threshold,
        )
