"""The manifest of a baked model: what it was made of, and each file's size and SHA-256.

It is written last, so a folder that has one is whole; sizes are looked at before it is used, which
costs nothing, and hashes when somebody asks (`bake --verify`), which reads every byte.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from gpu_worker.engine.baking.rows import Baked

MANIFEST = "manifest.json"
#: Another form is another number: a worker does not guess at what it does not know.
FORM = 1


class ManifestFault(Exception):
    """A baked folder that is not what its manifest says, or has none; the message says how."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BakedFile:
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    rows: tuple[Baked, ...]
    #: By their path in the folder.
    files: dict[str, BakedFile]

    @classmethod
    def of(cls, folder: Path, rows: list[Baked]) -> Self:
        """Of all the files that `folder` has now; reads every byte."""
        files = {
            str(file.relative_to(folder)): BakedFile(
                size_bytes=file.stat().st_size, sha256=hash_of(file)
            )
            for file in sorted(folder.rglob("*"))
            if file.is_file() and file != folder / MANIFEST
        }
        return cls(rows=tuple(rows), files=files)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises `ManifestFault`."""
        try:
            content: Any = json.loads((folder / MANIFEST).read_text())
            if content["form"] != FORM:
                raise ManifestFault(f"{folder}/{MANIFEST} has form {content['form']}, not {FORM}")
            rows = tuple(Baked.of(row) for row in content["models"])
            files = {name: BakedFile(**it) for name, it in content["files"].items()}
        except (OSError, ValueError, TypeError, KeyError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise ManifestFault(
                f"{folder} has no {MANIFEST} that can be read ({reason})"
            ) from error
        return cls(rows=rows, files=files)

    def write(self, folder: Path) -> None:
        content = {
            "form": FORM,
            "models": [row.as_row() for row in self.rows],
            "files": {
                name: {"size_bytes": it.size_bytes, "sha256": it.sha256}
                for name, it in self.files.items()
            },
        }
        (folder / MANIFEST).write_text(json.dumps(content, indent=1) + "\n")

    def check_sizes(self, folder: Path) -> None:
        """Raises `ManifestFault` for a file that is missing, cut short or too long."""
        for name, known in self.files.items():
            try:
                size = (folder / name).stat().st_size
            except OSError as error:
                raise ManifestFault(f"{folder / name} is missing") from error
            if size != known.size_bytes:
                raise ManifestFault(f"{folder / name} has {size} bytes, not {known.size_bytes}")

    def check_hashes(self, folder: Path) -> None:
        """Raises `ManifestFault` for a file with other contents; reads every byte."""
        self.check_sizes(folder)
        for name, known in self.files.items():
            if (found := hash_of(folder / name)) != known.sha256:
                raise ManifestFault(f"{folder / name} has the SHA-256 {found}, not {known.sha256}")


def hash_of(file: Path) -> str:
    """The SHA-256 of `file`, in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
