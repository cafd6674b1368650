"""Whether models are compiled, and where what that made is kept. Free of torch."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

#: Below the folder of baked models: what was compiled with them.
BAKED_COMPILATIONS = "compiled"


class CompileMode(StrEnum):
    OFF = "off"
    #: On a GPU for which torch's compiler and the C compiler that it needs are there.
    AUTO = "auto"
    ON = "on"


@dataclass(frozen=True, kw_only=True, slots=True)
class CompileChoice:
    mode: CompileMode = CompileMode.OFF
    #: Made if it is missing. What is in it runs as code: nobody else may write there. None: nothing
    #: is kept.
    cache: Path | None = None

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        parser.add_argument(
            "--compile", choices=list(CompileMode), type=CompileMode, default=CompileMode.OFF
        )
        parser.add_argument("--compile-cache-dir", type=Path)

    @classmethod
    def of(cls, options: Namespace) -> Self:
        return cls(mode=options.compile, cache=options.compile_cache_dir)

    def arguments(self) -> list[str]:
        """What `of` reads."""
        cache = [] if self.cache is None else ["--compile-cache-dir", str(self.cache)]
        return ["--compile", self.mode.value, *cache]
