"""Finds the models that were baked into this image or volume. Free of torch."""

import logging
from pathlib import Path

from gpu_worker.engine.baking.manifest import MANIFEST, Manifest, ManifestFault
from gpu_worker.engine.specs import REFINER_FOLDER, FolderSource, HubSource, Source

LOG = logging.getLogger(__name__)


def prefer_baked(
    name: str, source: Source, root: Path | None, *, refiner: Source | None = None
) -> Source:
    """The folder of the model called `name` below `root`, if it was baked there of the very commits
    of `source` and of its `refiner` and is whole; else `source`, with a line in the log where there
    is something else."""
    folder = None if root is None else root / name
    if folder is None or not isinstance(source, HubSource) or not (folder / MANIFEST).is_file():
        return source
    try:
        manifest = Manifest.read(folder)
        manifest.check_sizes(folder)
    except ManifestFault as fault:
        LOG.warning("the baked model %s is not used: %s", name, fault)
        return source
    baked = {row.folder: row for row in manifest.rows}
    for part, wanted in ((name, source), (f"{name}/{REFINER_FOLDER}", refiner)):
        if not isinstance(wanted, HubSource):
            continue
        found = baked.get(part)
        if found is None or (found.repository, found.revision) != _commit(wanted):
            is_there = "missing" if found is None else f"{found.repository} at {found.revision}"
            LOG.warning(
                "the baked model %s is not used: its %s is %s, not %s at %s",
                *(name, part, is_there, *_commit(wanted)),
            )
            return source
    return FolderSource(folder=folder, variant=baked[name].variant)


def _commit(source: HubSource) -> tuple[str, str]:
    return source.repository, source.revision
