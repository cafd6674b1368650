"""Finds the models that were baked into this image or volume. Free of torch."""

import logging
from pathlib import Path

from gpu_worker.engine.baking.manifest import MANIFEST, Manifest, ManifestFault
from gpu_worker.engine.specs import FolderSource, HubSource, Source

LOG = logging.getLogger(__name__)


def prefer_baked(name: str, source: Source, root: Path | None) -> Source:
    """The folder of the model called `name` below `root`, if it was baked there of `source`'s very
    commit and is whole; else `source`, with a line in the log where there is something else."""
    folder = None if root is None else root / name
    if folder is None or not isinstance(source, HubSource) or not (folder / MANIFEST).is_file():
        return source
    try:
        manifest = Manifest.read(folder)
        manifest.check_sizes(folder)
    except ManifestFault as fault:
        LOG.warning("the baked model %s is not used: %s", name, fault)
        return source
    model = manifest.rows[0]
    if (model.repository, model.revision) != (source.repository, source.revision):
        LOG.warning(
            "the baked model %s is not used: it is %s at %s, not %s at %s",
            *(name, model.repository, model.revision, source.repository, source.revision),
        )
        return source
    return FolderSource(folder=folder, variant=model.variant)
