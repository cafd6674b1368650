"""The files of a generation and the `output` that refers to them: compress, upload, describe.

The document is written only after every file is stored, so it never refers to a missing one.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from gpu_worker.lifecycle.leased_document import LeasedDocument
from gpu_worker.media.picture_file import EncodedFile, encode_picture
from gpu_worker.media.thumbnail import make_thumbhash, make_thumbnail
from gpu_worker.ports import EngineResult, Picture
from shared.ports import ObjectStore, StoredObject, Unavailable


@dataclass(frozen=True, kw_only=True, slots=True)
class Compressed:
    """One picture as the files that are stored of it."""

    seed: int
    file: EncodedFile
    thumbnail: EncodedFile
    thumbhash: str

    @classmethod
    def of(cls, picture: Picture) -> "Compressed":
        return cls(
            seed=picture.seed,
            file=encode_picture(picture.pixels),
            thumbnail=make_thumbnail(picture.pixels),
            thumbhash=make_thumbhash(picture.pixels),
        )


class FileStorer:
    """Stores one attempt's files under its token, and can take them away again."""

    def __init__(self, objects: ObjectStore, threads: Executor, leased: LeasedDocument) -> None:
        self._objects = objects
        self._threads = threads
        self._path = leased.path
        self._token = leased.lease.token
        self._begun: list[str] = []
        #: Seconds: `compress`, `upload`.
        self.timings: dict[str, float] = {}

    def store(self, result: EngineResult) -> list[dict[str, Any]]:
        """The document's `files[]`, one a picture. Raises `Unavailable`."""
        started = time.monotonic()
        pictures = list(self._threads.map(Compressed.of, result.pictures))
        compressed = time.monotonic()
        uploads = [
            upload
            for index, picture in enumerate(pictures)
            for upload in (
                (f"{index}.{picture.file.extension}", picture.file),
                (f"{index}.thumbnail.{picture.thumbnail.extension}", picture.thumbnail),
            )
        ]
        stored = list(self._threads.map(lambda upload: self._upload(*upload), uploads))
        self.timings = {
            "compress": round(compressed - started, 3),
            "upload": round(time.monotonic() - compressed, 3),
        }
        return [
            _file(picture, stored[2 * index], stored[2 * index + 1])
            for index, picture in enumerate(pictures)
        ]

    def discard(self) -> None:
        """Delete what was stored; what cannot be deleted now is left for the sweep."""
        for name in self._begun:
            try:
                self._objects.delete(name)
            except Unavailable:
                return

    def _upload(self, name: str, encoded: EncodedFile) -> StoredObject:
        full_name = self._path.object_name(self._token, name)
        self._begun.append(full_name)
        return self._objects.create(full_name, encoded.data, content_type=encoded.content_type)


def _file(picture: Compressed, file: StoredObject, thumbnail: StoredObject) -> dict[str, Any]:
    return {
        "storage_path": file.name,
        "url": file.url,
        "content_type": file.content_type,
        "size_bytes": file.size_bytes,
        "width": picture.file.width,
        "height": picture.file.height,
        "seed": picture.seed,
        "thumbnail_url": thumbnail.url,
        "thumbhash": picture.thumbhash,
    }


def describe_output(result: EngineResult, files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The seed's `image_url`, `images`, `seed`, and what this project adds."""
    width, height = result.native_size
    return {
        "image_url": files[0]["url"],
        "images": [file["url"] for file in files],
        "seed": files[0]["seed"],
        "files": [dict(file) for file in files],
        "model": result.model,
        "native_size": {"width": width, "height": height},
    }
