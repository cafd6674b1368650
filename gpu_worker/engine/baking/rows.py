"""What there is to bake: the rows of models.toml, by the kind of image that has them."""

import sys
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

MODELS_FILE = Path(__file__).with_name("models.toml")


@dataclass(frozen=True, kw_only=True, slots=True)
class Baked:
    """One repository of a hub, or folder of this machine, and what is taken of it."""

    #: Where it lies in the baked folder; one below another's is a part of that model.
    folder: str
    #: `owner/name`; an absolute path is a folder of this machine.
    repository: str
    #: A full commit id.
    revision: str
    #: Subfolders of the repository; none: what lies at its top.
    parts: tuple[str, ...]
    #: Which of the published weight files.
    variant: str | None = None
    #: What fp32 weights are kept in.
    precision: Literal["bf16", "fp16"] | None = None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """What `as_row` returned, or a table of models.toml. Raises `TypeError` for another."""
        return cls(**{**row, "parts": tuple(row["parts"])})

    def as_row(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "parts": list(self.parts)}

    @property
    def top(self) -> str:
        """The folder that is baked whole or not at all."""
        return self.folder.partition("/")[0]


def read_models(kind: str, file: Path = MODELS_FILE) -> list[Baked]:
    """The models of an image of that kind. Ends the process for a kind that there is not."""
    tables = tomllib.loads(file.read_text())
    if kind not in tables:
        sys.exit(f"There are no models called {kind!r}; it must be one of {', '.join(tables)}.")
    return [Baked.of({**row, "folder": folder}) for folder, row in tables[kind].items()]


def by_top(rows: list[Baked]) -> dict[str, list[Baked]]:
    """Those that are baked together, a model before its parts."""
    together: dict[str, list[Baked]] = {}
    for row in sorted(rows, key=lambda it: it.folder.count("/")):
        together.setdefault(row.top, []).append(row)
    return together
