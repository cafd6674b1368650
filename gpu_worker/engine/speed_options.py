"""What an operator says of how the engine works fast without changing a picture. Free of torch."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self


class Attention(StrEnum):
    """Torch's attention kernels. AUTO is the fastest on this device, found by a trial."""

    AUTO = "auto"
    CUDNN = "cudnn"
    FLASH = "flash"
    EFFICIENT = "efficient"
    MATH = "math"


class Prepare(StrEnum):
    """Whether the texts of jobs that wait are read while another job is drawn."""

    #: On a GPU; a CPU would take from the job under way what it gives to the next.
    AUTO = "auto"
    ON = "on"
    OFF = "off"


#: About 200 texts of SDXL's (0.3 MB in 2-byte precision), or 16 of Wan's (4 MB).
DEFAULT_TEXT_CACHE_MEBIBYTES = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeedOptions:
    #: Of the device's memory, for what text encoders made of texts; 0 keeps nothing.
    text_cache_mebibytes: int = DEFAULT_TEXT_CACHE_MEBIBYTES
    #: Needs the text cache.
    prepare: Prepare = Prepare.AUTO
    attention: Attention = Attention.AUTO
    #: A folder for what the trial found; None forgets it.
    attention_cache: Path | None = None

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        parser.add_argument(
            "--text-cache", type=int, default=DEFAULT_TEXT_CACHE_MEBIBYTES, help="MiB"
        )
        parser.add_argument("--prepare", type=Prepare, default=Prepare.AUTO, choices=Prepare)
        parser.add_argument(
            "--attention", type=Attention, default=Attention.AUTO, choices=Attention
        )
        parser.add_argument("--attention-cache", type=Path, help="a folder")

    @classmethod
    def of(cls, options: Namespace) -> Self:
        return cls(
            text_cache_mebibytes=options.text_cache,
            prepare=options.prepare,
            attention=options.attention,
            attention_cache=options.attention_cache,
        )

    def arguments(self) -> list[str]:
        """What `of` reads."""
        arguments = ["--text-cache", str(self.text_cache_mebibytes)]
        arguments += ["--prepare", self.prepare.value]
        arguments += ["--attention", self.attention.value]
        if self.attention_cache is not None:
            arguments += ["--attention-cache", str(self.attention_cache)]
        return arguments
