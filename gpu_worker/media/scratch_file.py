"""A file without a name for another program to write: gone with its last user, whatever kills us.

On Linux it lies in memory (memfd) and a child opens it as `/proc/self/fd/N`, as often as it likes.
Elsewhere it is a file with a name in a folder of its own, which only an orderly end removes.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class ScratchFile:
    #: What a child process opens.
    path: Path
    #: What it has to inherit for that.
    descriptors: tuple[int, ...] = ()

    def read(self) -> bytes:
        """All of it."""
        if self.descriptors:
            return Path(f"/proc/self/fd/{self.descriptors[0]}").read_bytes()
        return self.path.read_bytes()


@contextmanager
def scratch_file(*, in_memory: bool = hasattr(os, "memfd_create")) -> Iterator[ScratchFile]:
    """An empty file, gone at the end. `in_memory` works on Linux only."""
    if in_memory:
        descriptor = os.memfd_create("emberframe")
        try:
            yield ScratchFile(path=Path(f"/proc/self/fd/{descriptor}"), descriptors=(descriptor,))
        finally:
            os.close(descriptor)
    else:
        with tempfile.TemporaryDirectory(prefix="emberframe-") as folder:
            yield ScratchFile(path=Path(folder) / "scratch")
