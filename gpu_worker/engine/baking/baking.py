"""Bakes a model: into a folder beside its place, which it takes only when it is whole.

A bake that was interrupted leaves nothing that a worker would load, and is begun anew; one that was
done is found by its manifest and not repeated.
"""

import os
import shutil
from pathlib import Path

from gpu_worker.engine.baking.fetching import fetch
from gpu_worker.engine.baking.manifest import Manifest, ManifestFault
from gpu_worker.engine.baking.narrowing import narrow
from gpu_worker.engine.baking.rows import Baked

#: Of the folder in which a model is made; a worker looks for no model of such a name.
UNFINISHED = ".unfinished"


def bake(rows: list[Baked], out: Path) -> tuple[Path, bool]:
    """Make the folder of a model and its parts (`rows` of one `top`) below `out`.

    Returns it, and whether anything had to be done. Raises what `fetch` and `narrow` raise.
    """
    target = out / rows[0].top
    if is_baked(rows, target):
        return target, False
    unfinished = out / (target.name + UNFINISHED)
    shutil.rmtree(unfinished, ignore_errors=True)
    for row in rows:
        folder = unfinished / Path(row.folder).relative_to(row.top)
        fetch(row, folder)
        if row.precision is not None:
            for part in row.parts or ("",):
                narrow(folder / part, row.precision)
    Manifest.of(unfinished, rows).write(unfinished)
    _to_disk(unfinished)
    if target.exists():
        # Of another commit, or damaged: a rename takes the place of an empty folder only.
        shutil.rmtree(target)
    unfinished.rename(target)
    return target, True


def is_baked(rows: list[Baked], target: Path) -> bool:
    """Whether `target` holds just these, as far as its files' sizes tell."""
    try:
        manifest = Manifest.read(target)
        manifest.check_sizes(target)
    except ManifestFault:
        return False
    return manifest.rows == tuple(rows)


def _to_disk(folder: Path) -> None:
    """A name must not outlive a loss of power that its contents did not."""
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
