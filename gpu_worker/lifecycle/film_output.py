"""The film of a generation: encoded while its frames arrive, stored, described as the `output`."""

import time
from collections.abc import Callable
from typing import Any, Self

from gpu_worker.lifecycle.storing import FileStorer
from gpu_worker.media.film_codec import FilmOptions
from gpu_worker.media.film_file import FilmFiles, describe_drawing, film_of, make_film_files
from gpu_worker.media.film_writer import FilmWriter
from gpu_worker.ports import Engine, EngineJob, EngineProgress, EngineResult
from shared.ports import StoredObject
from shared.request import Text2VideoRequest

#: Encoding ends with the engine's last frames; what is left is stills and the upload.
ENGINE_SHARE = 0.97


class FilmMaking:
    """See `gpu_worker.lifecycle.making.Making`."""

    engine_share = ENGINE_SHARE

    def __init__(
        self,
        request: Text2VideoRequest,
        files: FileStorer,
        options: FilmOptions,
        *,
        embed_metadata: bool,
    ) -> None:
        self._request = request
        self._files = files
        self._embed_metadata = embed_metadata
        self._writer = FilmWriter(fps=request.fps, options=options)
        self._data = b""

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._writer.__exit__(*exception)

    def run(
        self, engine: Engine, job: EngineJob, on_progress: Callable[[EngineProgress], None]
    ) -> EngineResult:
        result = engine.run(job, on_progress, self._writer.add)
        started = time.monotonic()
        self._data = self._writer.finish()
        self._files.timings["encode_film"] = round(time.monotonic() - started, 3)
        return result

    def stop(self) -> None:
        self._writer.abort()

    def store(self, result: EngineResult) -> dict[str, Any]:
        (made,) = self._files.each("compress", self._files_of, [result])
        uploads = [
            ("0.mp4", made.film),
            (f"0.poster.{made.poster.extension}", made.poster),
            (f"0.thumbnail.{made.thumbnail.extension}", made.thumbnail),
        ]
        if made.preview is not None:
            uploads.append((f"0.preview.{made.preview.extension}", made.preview))
        return describe_film(result, self._request, made, self._files.upload(uploads))

    def _files_of(self, result: EngineResult) -> FilmFiles:
        return make_film_files(
            self._data,
            self._writer.stills,
            result,
            self._request,
            embed_metadata=self._embed_metadata,
        )


def describe_film(
    result: EngineResult, request: Text2VideoRequest, made: FilmFiles, stored: list[StoredObject]
) -> dict[str, Any]:
    """The seed's `video_url`, `videos`, `video_info`, `seed`, and what this project adds.

    `stored`: film, poster, thumbnail and, where there is one, preview.
    """
    film, poster, thumbnail, *preview = stored
    seed = film_of(result).seed
    file = {
        "storage_path": film.name,
        "url": film.url,
        "content_type": film.content_type,
        "size_bytes": film.size_bytes,
        "width": made.film.width,
        "height": made.film.height,
        "duration_seconds": round(made.facts.duration_seconds, 3),
        "seed": seed,
        "poster_url": poster.url,
        "thumbnail_url": thumbnail.url,
        "thumbhash": made.thumbhash,
        **({"preview_url": preview[0].url} if preview else {}),
    }
    return {
        "video_url": film.url,
        "videos": [film.url],
        "video_info": made.facts.to_document(),
        "seed": seed,
        "files": [file],
        **describe_drawing(result, request),
    }
