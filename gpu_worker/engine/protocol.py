"""What supervisor and engine say to each other: JSON messages, and pixels as raw frames after them.

No pickle: neither side runs what the other sends. The channel is a stream in order; a run is
answered by any number of `Progress` and then exactly one of `Done`, `Failed`, `Stopped`.
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from gpu_worker.ports import EngineInfo, EngineJob, EngineProgress
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


class Run(Message):
    """To the engine: generate. Sent only when it is ready and idle."""

    kind: Literal["run"] = "run"
    job_id: str
    request: AnyRequest
    seed: int

    @classmethod
    def of(cls, job: EngineJob) -> "Run":
        return cls(job_id=job.job_id, request=job.request, seed=job.seed)

    def job(self) -> EngineJob:
        return EngineJob(job_id=self.job_id, request=self.request, seed=self.seed)


class Cancel(Message):
    """To the engine: stop this job at its next step. Ignored when another one or none runs."""

    kind: Literal["cancel"] = "cancel"
    job_id: str


class Shutdown(Message):
    """To the engine: exit now, whatever runs."""

    kind: Literal["shutdown"] = "shutdown"


class Ready(Message):
    """The model is loaded and warm."""

    kind: Literal["ready"] = "ready"
    models: tuple[str, ...]
    device: str
    device_name: str
    load_seconds: float
    memory: dict[str, Any]

    def info(self) -> EngineInfo:
        return EngineInfo(**self.model_dump(exclude={"kind", "frames"}))


class LoadFailed(Message):
    """The model cannot be had; the engine exits."""

    kind: Literal["load_failed"] = "load_failed"
    code: ErrorCode
    message: str


class Progress(Message):
    kind: Literal["progress"] = "progress"
    stage: str
    step: int
    total_steps: int

    def progress(self) -> EngineProgress:
        return EngineProgress(stage=self.stage, step=self.step, total_steps=self.total_steps)


class PictureHead(BaseModel):
    """One frame after `Done`: height × width × 3 bytes, RGB, row by row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int
    height: int
    seed: int


class Done(Message):
    kind: Literal["done"] = "done"
    pictures: tuple[PictureHead, ...]
    model: str
    native_size: tuple[int, int]
    timings: dict[str, float]


class Failed(Message):
    """This job failed; the engine is ready for the next."""

    kind: Literal["failed"] = "failed"
    code: ErrorCode
    message: str


class Stopped(Message):
    """The job was cancelled; the engine is ready for the next."""

    kind: Literal["stopped"] = "stopped"


ToEngine: TypeAlias = Annotated[Run | Cancel | Shutdown, Field(discriminator="kind")]
FromEngine: TypeAlias = Annotated[
    Ready | LoadFailed | Progress | Done | Failed | Stopped, Field(discriminator="kind")
]

TO_ENGINE: TypeAdapter[Run | Cancel | Shutdown] = TypeAdapter(ToEngine)
FROM_ENGINE: TypeAdapter[Ready | LoadFailed | Progress | Done | Failed | Stopped] = TypeAdapter(
    FromEngine
)
