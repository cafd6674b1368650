"""A generation without cloud storage: made by the lifecycle in stores of its own, in memory.

Its files' URLs are data URLs. Nothing is kept beyond the journey: what it took is freed with it.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace

from gpu_worker.intake.runpod.asked import Asked
from gpu_worker.intake.runpod.fresh import fresh_document
from gpu_worker.intake.runpod.journey import Journey, OnProgress
from gpu_worker.lifecycle.runner import GenerationRunner
from gpu_worker.lifecycle.wiring import Wiring
from gpu_worker.ports import InputImages, never_stopped
from shared.in_memory import InMemoryDocuments
from shared.in_memory_objects import InMemoryObjects

#: Parameters that may hold a whole picture as a data URL, 10 MB of it.
IMAGES = ("image_url", "mask_url")
DATA_SCHEME = "data:"
#: Stands in the document for such a one: documents are copied and measured at every write.
KEPT_ASIDE = "data:image/kept;base64,"


class AsideImages:
    """An `InputImages` for one job, which has its data URLs besides; others are `images`'s."""

    def __init__(self, images: InputImages, kept: Mapping[str, str]) -> None:
        """`kept` is data URLs by the names of their fields."""
        self._images = images
        self._kept = kept

    def fetch(
        self,
        url: str,
        *,
        field: str,
        uid: str | None,
        check: Callable[[], None] = never_stopped,
    ) -> bytes:
        return self._images.fetch(self._kept.get(field, url), field=field, uid=uid, check=check)


def inline_journey(wiring: Wiring, asked: Asked, on_progress: OnProgress) -> Journey:
    """`wiring` is what all jobs have in common; its stores are not used."""
    kept = {
        name: value
        for name in IMAGES
        if isinstance(value := asked.raw.get(name), str)
        and value[: len(DATA_SCHEME)].lower() == DATA_SCHEME
    }
    documents = InMemoryDocuments(wiring.clock, max_bytes=None)
    own = replace(
        wiring,
        documents=documents,
        watcher=documents,
        objects=InMemoryObjects(wiring.clock, url_of=data_url),
        inputs=AsideImages(wiring.inputs, kept),
    )
    given = {**asked.raw, **dict.fromkeys(kept, KEPT_ASIDE)}
    documents.create(str(asked.path), fresh_document(asked.path, given, asked.kind))
    return Journey(
        own,
        GenerationRunner(own),
        asked.path,
        patience_seconds=wiring.time_limits.of(asked.request),
        on_progress=on_progress,
    )


def data_url(data: bytes, content_type: str) -> str:
    return f"data:{content_type};base64,{base64.b64encode(data).decode()}"
