"""What supervisor and engine say to each other: JSON messages, and pixels as raw frames after them.

No pickle: neither side runs what the other sends. The channel is a stream in order; a run, or each
of those that are sent to be drawn together, is answered by any number of `Progress` and, of a film,
`FilmFrames`, and then exactly one of `Done`, `Failed`, `Stopped`; `Alive` comes in between. Who
does not read makes the other side wait: that holds a film's decoder back.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from gpu_worker.ports import (
    EngineInfo,
    EngineJob,
    EngineProgress,
    FewSteps,
    Film,
    Frames,
    LoraFile,
)
from shared.errors import ErrorCode
from shared.request import (
    Img2ImgRequest,
    InpaintRequest,
    Text2ImgRequest,
    Text2VideoRequest,
)

AnyRequest = Annotated[
    Text2ImgRequest | Img2ImgRequest | InpaintRequest | Text2VideoRequest,
    Field(discriminator="task_type"),
]


class Message(BaseModel):
    """`frames` says how many raw frames follow the message."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int = Field(default=0, ge=0)


#: Of a frame: height, width, and 3 for colour.
Shape: TypeAlias = tuple[int, ...]


def frames_of(*arrays: NDArray[np.uint8] | None) -> list[NDArray[np.uint8]]:
    """The arrays that are there: what follows a message as raw frames, row by row."""
    return [array for array in arrays if array is not None]


def _shape(array: NDArray[np.uint8] | None) -> Shape | None:
    return None if array is None else array.shape


def _arrays(
    shapes: Sequence[Shape | None], frames: Sequence[bytes]
) -> list[NDArray[np.uint8] | None]:
    """The inverse of `frames_of`: an array, or None, for each shape."""
    left = iter(frames)
    return [
        None if shape is None else np.frombuffer(next(left), np.uint8).reshape(shape)
        for shape in shapes
    ]


class Run(Message):
    """To the engine: generate. Sent only when it is ready and idle. Its images are its frames."""

    kind: Literal["run"] = "run"
    #: Not that of another one which it is drawn with.
    job_id: str
    #: How many further runs follow that are drawn in one batch with this one.
    more: int = Field(default=0, ge=0)
    request: AnyRequest
    seed: int
    image: Shape | None = None
    mask: Shape | None = None
    loras: tuple[LoraFile, ...] = ()
    few_steps: FewSteps | None = None

    @classmethod
    def of(cls, job: EngineJob) -> "Run":
        return cls(
            job_id=job.job_id,
            request=job.request,
            seed=job.seed,
            image=_shape(job.image),
            mask=_shape(job.mask),
            loras=job.loras,
            few_steps=job.few_steps,
        )

    def job(self, frames: Sequence[bytes]) -> EngineJob:
        image, mask = _arrays((self.image, self.mask), frames)
        return EngineJob(
            job_id=self.job_id,
            request=self.request,
            seed=self.seed,
            image=image,
            mask=mask,
            loras=self.loras,
            few_steps=self.few_steps,
        )


class Prepare(Message):
    """To the engine: a job that waits, whose texts may be read while another one is drawn. Only a
    hint, which may be lost or come too late; it has no answer."""

    kind: Literal["prepare"] = "prepare"
    job_id: str
    #: Without its images.
    request: AnyRequest


class Cancel(Message):
    """To the engine: stop this job at its next step. Ignored when it does not run."""

    kind: Literal["cancel"] = "cancel"
    job_id: str


class Shutdown(Message):
    """To the engine: exit now, whatever runs."""

    kind: Literal["shutdown"] = "shutdown"


class Ready(Message):
    """The models are loaded and warm."""

    kind: Literal["ready"] = "ready"
    models: tuple[str, ...]
    device: str
    device_name: str
    load_seconds: float
    precision: str
    deterministic: bool
    batch_rows: int = Field(default=1, ge=1)
    step_seconds: dict[int, float] = Field(default_factory=dict[int, float])
    memory: dict[str, Any]

    def info(self) -> EngineInfo:
        return EngineInfo(**self.model_dump(exclude={"kind", "frames"}))


class Alive(Message):
    """Said every second by a thread of its own once the models are loaded: the process lives."""

    kind: Literal["alive"] = "alive"
    #: How often the main thread has passed a place where it would have stopped.
    passes: int


class LoadFailed(Message):
    """A model cannot be had; the engine exits."""

    kind: Literal["load_failed"] = "load_failed"
    code: ErrorCode
    message: str


class Progress(Message):
    """A preview is its frame."""

    kind: Literal["progress"] = "progress"
    job_id: str
    stage: str
    step: int
    total_steps: int
    fraction: float
    preview: Shape | None = None

    @classmethod
    def of(cls, job_id: str, progress: EngineProgress) -> "Progress":
        return cls(
            job_id=job_id,
            stage=progress.stage,
            step=progress.step,
            total_steps=progress.total_steps,
            fraction=progress.fraction,
            preview=_shape(progress.preview),
        )

    def progress(self, frames: Sequence[bytes]) -> EngineProgress:
        (preview,) = _arrays((self.preview,), frames)
        return EngineProgress(
            stage=self.stage,
            step=self.step,
            total_steps=self.total_steps,
            fraction=self.fraction,
            preview=preview,
        )


class FilmFrames(Message):
    """The next frames of the film under way, in order, as one raw frame."""

    kind: Literal["film_frames"] = "film_frames"
    job_id: str
    #: Frames, height, width, and 3 for colour.
    shape: Shape

    def film_frames(self, frames: Sequence[bytes]) -> Frames:
        (array,) = frames
        return np.frombuffer(array, np.uint8).reshape(self.shape)


class FilmHead(BaseModel):
    """Of a film whose frames have all been sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int
    size: tuple[int, int]
    seed: int

    @classmethod
    def of(cls, film: Film) -> "FilmHead":
        return cls(frames=film.frames, size=film.size, seed=film.seed)

    def film(self) -> Film:
        return Film(frames=self.frames, size=self.size, seed=self.seed)


class PictureHead(BaseModel):
    """One frame after `Done`: height × width × 3 bytes, RGB, row by row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int
    height: int
    seed: int


class Done(Message):
    kind: Literal["done"] = "done"
    job_id: str
    pictures: tuple[PictureHead, ...]
    film: FilmHead | None = None
    model: str
    native_size: tuple[int, int]
    native_frames: int | None = None
    refiner: bool = False
    few_steps: FewSteps | None = None
    prompt_truncated: bool = False
    timings: dict[str, float]


class Failed(Message):
    """This job failed; the engine goes on."""

    kind: Literal["failed"] = "failed"
    job_id: str
    code: ErrorCode
    message: str
    #: It was drawn together with others, and may succeed alone.
    in_company: bool = False


class Stopped(Message):
    """The job was cancelled; the engine goes on."""

    kind: Literal["stopped"] = "stopped"
    job_id: str


ToEngine: TypeAlias = Annotated[Run | Prepare | Cancel | Shutdown, Field(discriminator="kind")]
FromEngine: TypeAlias = Annotated[
    Alive | Ready | LoadFailed | Progress | FilmFrames | Done | Failed | Stopped,
    Field(discriminator="kind"),
]

TO_ENGINE: TypeAdapter[Run | Prepare | Cancel | Shutdown] = TypeAdapter(ToEngine)
FROM_ENGINE: TypeAdapter[
    Alive | Ready | LoadFailed | Progress | FilmFrames | Done | Failed | Stopped
] = TypeAdapter(FromEngine)
