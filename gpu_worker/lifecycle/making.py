"""What an attempt makes, pictures or a film: how the engine is run for it, and its files stored."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from gpu_worker.lifecycle.film_output import FilmMaking
from gpu_worker.lifecycle.picture_output import PictureMaking
from gpu_worker.lifecycle.storing import FileStorer
from gpu_worker.lifecycle.wiring import Wiring
from gpu_worker.ports import Engine, EngineJob, EngineProgress, EngineResult
from shared.request import GenerationRequest, ImageRequest


class Making(AbstractContextManager["Making"], Protocol):
    """Used once, as a context manager: at its end nothing of it runs any more."""

    @property
    def engine_share(self) -> float:
        """Of the progress, 0 … 1: how far it is when the engine is done."""
        ...

    def run(
        self, engine: Engine, job: EngineJob, on_progress: Callable[[EngineProgress], None]
    ) -> EngineResult:
        """`Engine.run`, and taking what it hands over meanwhile. Raises as that does."""
        ...

    def stop(self) -> None:
        """Let go of what `run` may wait for; from any thread, more than once."""
        ...

    def store(self, result: EngineResult) -> dict[str, Any]:
        """Compress and store; the document's `output`. Raises as `FileStorer` does."""
        ...


def making_of(request: GenerationRequest, wiring: Wiring, files: FileStorer) -> Making:
    if isinstance(request, ImageRequest):
        return PictureMaking(request, files, embed_metadata=wiring.embed_metadata)
    return FilmMaking(request, files, wiring.films, embed_metadata=wiring.embed_metadata)
