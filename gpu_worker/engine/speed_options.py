"""What an operator says of how the engine works fast without changing a picture. Free of torch."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from typing import Self

#: About 200 texts of SDXL's (0.3 MB in 2-byte precision), or 16 of Wan's (4 MB).
DEFAULT_TEXT_CACHE_MEBIBYTES = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeedOptions:
    #: Of the device's memory, for what text encoders made of texts; 0 keeps nothing.
    text_cache_mebibytes: int = DEFAULT_TEXT_CACHE_MEBIBYTES

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        parser.add_argument(
            "--text-cache", type=int, default=DEFAULT_TEXT_CACHE_MEBIBYTES, help="MiB"
        )

    @classmethod
    def of(cls, options: Namespace) -> Self:
        return cls(text_cache_mebibytes=options.text_cache)

    def arguments(self) -> list[str]:
        """What `of` reads."""
        return ["--text-cache", str(self.text_cache_mebibytes)]
