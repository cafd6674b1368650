"""The pictures of a generation: drawn, compressed, stored, described as the document's `output`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from gpu_worker.lifecycle.storing import FileStorer
from gpu_worker.loras import describe_few_steps, describe_loras
from gpu_worker.media.picture_file import EncodedFile
from gpu_worker.media.result_file import encode_result
from gpu_worker.media.thumbnail import make_thumbhash, make_thumbnail
from gpu_worker.ports import Engine, EngineJob, EngineProgress, EngineResult, Picture
from shared.ports import StoredObject
from shared.request import ImageRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Compressed:
    """One picture, ready to be stored."""

    seed: int
    picture: EncodedFile
    thumbnail: EncodedFile
    thumbhash: str


class PictureMaking:
    """See `gpu_worker.lifecycle.making.Making`."""

    engine_share = 1.0

    def __init__(self, request: ImageRequest, files: FileStorer, *, embed_metadata: bool) -> None:
        self._request = request
        self._files = files
        self._embed_metadata = embed_metadata

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to let go."""

    def stop(self) -> None:
        """There is nothing but the engine to stop."""

    def run(
        self, engine: Engine, job: EngineJob, on_progress: Callable[[EngineProgress], None]
    ) -> EngineResult:
        return engine.run(job, on_progress)

    def store(self, result: EngineResult) -> dict[str, Any]:
        compressed = self._files.each(
            "compress",
            lambda picture: _compress(picture, result, self._request, self._embed_metadata),
            result.pictures,
        )
        uploads = [
            upload
            for index, one in enumerate(compressed)
            for upload in (
                (f"{index}.{one.picture.extension}", one.picture),
                (f"{index}.thumbnail.{one.thumbnail.extension}", one.thumbnail),
            )
        ]
        stored = self._files.upload(uploads)
        files = [
            _file(one, stored[2 * index], stored[2 * index + 1])
            for index, one in enumerate(compressed)
        ]
        return describe_output(result, self._request, files)


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
        "speed_tier": request.speed_tier.value,
        **describe_loras(request),
        **describe_few_steps(result.few_steps),
    }
