"""The files of a generation and the `output` that refers to them: compress, upload, describe.

The document is written only after every file is stored, so it never refers to a missing one.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from gpu_worker.lifecycle.control import JobControl, StopReason
from gpu_worker.lifecycle.leased_document import LeasedDocument
from gpu_worker.loras import describe_loras
from gpu_worker.media.picture_file import EncodedFile
from gpu_worker.media.result_file import encode_result
from gpu_worker.media.thumbnail import make_thumbhash, make_thumbnail
from gpu_worker.ports import EngineResult, Picture
from shared.ports import ObjectStore, StoredObject
from shared.request import ImageRequest

log = logging.getLogger(__name__)

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, kw_only=True, slots=True)
class Compressed:
    """One picture, ready to be stored."""

    seed: int
    picture: EncodedFile
    thumbnail: EncodedFile
    thumbhash: str


class FileStorer:
    """Stores one attempt's files under its token, and can take them away again."""

    def __init__(self, objects: ObjectStore, threads: Executor, leased: LeasedDocument) -> None:
        self._objects = objects
        self._threads = threads
        self._path = leased.path
        self._token = leased.lease.token
        self._created: list[StoredObject] = []
        #: Seconds: `compress`, `upload`.
        self.timings: dict[str, float] = {}

    def store(
        self,
        result: EngineResult,
        request: ImageRequest,
        control: JobControl,
        *,
        embed_metadata: bool,
    ) -> list[dict[str, Any]]:
        """The document's `files[]`, one a picture. Raises `Unavailable`, `Stopped`."""
        started = time.monotonic()
        compressed = self._each(
            lambda picture: _compress(picture, result, request, embed_metadata),
            result.pictures,
            control,
        )
        uploads_began = time.monotonic()
        uploads = [
            upload
            for index, one in enumerate(compressed)
            for upload in (
                (f"{index}.{one.picture.extension}", one.picture),
                (f"{index}.thumbnail.{one.thumbnail.extension}", one.thumbnail),
            )
        ]
        stored = self._each(self._upload, uploads, control)
        self.timings = {
            "compress": round(uploads_began - started, 3),
            "upload": round(time.monotonic() - uploads_began, 3),
        }
        return [
            _file(one, stored[2 * index], stored[2 * index + 1])
            for index, one in enumerate(compressed)
        ]

    def discard(self) -> None:
        """Delete what this attempt created; what cannot be deleted now is left for the sweep.

        By generation, not only by name: if the document was deleted and made anew meanwhile, an
        object of the same name may be the new one's.
        """
        for stored in self._created:
            try:
                self._objects.delete(stored.name, generation=stored.generation)
            except Exception as error:  # noqa: BLE001 (nothing depends on it)
                kind = type(error).__name__
                log.warning("left files of %s for the sweep: %s", self._path, kind)
                return

    def _upload(self, upload: tuple[str, EncodedFile]) -> StoredObject:
        name, file = upload
        full_name = self._path.object_name(self._token, name)
        stored = self._objects.create(full_name, file.data, content_type=file.content_type)
        self._created.append(stored)
        return stored

    def _each(self, work: Callable[[T], U], items: Iterable[T], control: JobControl) -> list[U]:
        """Results in order. Returns or raises only when none runs any more: what `discard` deletes
        must not be uploaded afterwards. Except on shutdown: a hanging upload must not keep the
        lease, and what still arrives is left for the sweep."""
        futures = [self._threads.submit(work, item) for item in items]
        running: set[Future[Any]] = set(futures)
        while running and control.reason is not StopReason.SHUTDOWN:
            watched = running if control.stopping.done() else {*running, control.stopping}
            done, _ = wait(watched, return_when=FIRST_COMPLETED)
            running -= done
        if running:
            control.check()
        return [future.result() for future in futures]


def _compress(
    picture: Picture, result: EngineResult, request: ImageRequest, embed_metadata: bool
) -> Compressed:
    return Compressed(
        seed=picture.seed,
        picture=encode_result(picture, result, request, embed_metadata=embed_metadata),
        thumbnail=make_thumbnail(picture.pixels),
        thumbhash=make_thumbhash(picture.pixels),
    )


def _file(one: Compressed, file: StoredObject, thumbnail: StoredObject) -> dict[str, Any]:
    return {
        "storage_path": file.name,
        "url": file.url,
        "content_type": file.content_type,
        "size_bytes": file.size_bytes,
        "width": one.picture.width,
        "height": one.picture.height,
        "seed": one.seed,
        "thumbnail_url": thumbnail.url,
        "thumbhash": one.thumbhash,
    }


def describe_output(
    result: EngineResult, request: ImageRequest, files: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The seed's `image_url`, `images`, `seed`, and what this project adds."""
    width, height = result.native_size
    return {
        "image_url": files[0]["url"],
        "images": [file["url"] for file in files],
        "seed": files[0]["seed"],
        "files": [dict(file) for file in files],
        "model": result.model,
        "native_size": {"width": width, "height": height},
        "refiner": result.refiner,
        "prompt_truncated": result.prompt_truncated,
        **describe_loras(request),
    }
