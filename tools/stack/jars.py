"""Writes jar files with zipfile, so that no JDK tool is needed: a manifest and classes."""

import zipfile
from pathlib import Path

#: The jar specification's limit for one manifest line, in bytes, line end not counted.
MANIFEST_LINE_BYTES = 70


def write_launcher_jar(
    path: Path, *, main_class: str, class_path: Path, classes: Path | None = None
) -> None:
    """A jar that starts `main_class`, found in `class_path` or in the folder `classes`."""
    attributes = {
        "Manifest-Version": "1.0",
        "Main-Class": main_class,
        "Class-Path": class_path.resolve().as_uri(),
    }
    manifest = "".join(_manifest_line(f"{key}: {value}") for key, value in attributes.items())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as jar:
        jar.writestr("META-INF/MANIFEST.MF", manifest + "\r\n")
        for file in sorted(classes.rglob("*.class")) if classes else []:
            jar.write(file, file.relative_to(classes or path).as_posix())


def _manifest_line(line: str) -> str:
    """Folds a line: continuation lines begin with a space."""
    folded, rest = line[:MANIFEST_LINE_BYTES], line[MANIFEST_LINE_BYTES:]
    while rest:
        folded += "\r\n " + rest[: MANIFEST_LINE_BYTES - 1]
        rest = rest[MANIFEST_LINE_BYTES - 1 :]
    return folded + "\r\n"
