"""What the lifecycle needs of the engine, as a Protocol; the rest is in `shared/ports.py`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shared.errors import ErrorCode, GenerationError
from shared.request import GenerationRequest, ImageRequest, SpeedTier, Text2ImgRequest

#: Height × width × 3, 8 bits, RGB.
Pixels = NDArray[np.uint8]
#: Frames × height × width × 3, 8 bits, RGB.
Frames = NDArray[np.uint8]
#: Height × width, 8 bits: 255 is painted anew, 0 is kept, nothing between.
Mask = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoraFile:
    """One LoRA that a job asks for, found."""

    name: str
    #: In −2 … 2, as the request has it.
    weight: float
    #: Safetensors, on this machine.
    file: Path
    #: Of the file's content, in lower-case hex: nothing else may be loaded under this name.
    sha256: str


class Sampler(StrEnum):
    """What LoRAs for few steps are trained for; requests cannot ask for these."""

    EULER_TRAILING = "euler_trailing"
    DDIM_TRAILING = "ddim_trailing"
    LCM = "lcm"


@dataclass(frozen=True, kw_only=True, slots=True)
class FewSteps:
    """A LoRA that was made for few steps, and how it wants a picture drawn."""

    lora: LoraFile
    steps: int
    #: 1 is none, as most of them want it.
    guidance_scale: float
    sampler: Sampler


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineJob:
    """One request for the engine. `job_id` is only a name: for logs and for `cancel`."""

    job_id: str
    request: GenerationRequest
    #: 0 … MAX_SEED; drawn by the lifecycle when the request has none. Picture i uses seed + i.
    seed: int
    #: What `image_url` refers to, decoded; None where the request has none.
    image: Pixels | None = field(default=None, compare=False)
    #: What `mask_url` refers to, of any size: it is stretched over the image.
    mask: Mask | None = field(default=None, compare=False)
    #: What the request's `loras` refer to, in their order.
    loras: tuple[LoraFile, ...] = ()
    #: In the place of the request's own steps, guidance, scheduler and refiner.
    few_steps: FewSteps | None = None
    #: From the moment when the engine begins with it; None is no limit.
    time_limit_seconds: float | None = None

    def __post_init__(self) -> None:
        """Raises `ValueError` when `loras` are not the request's: they would be lost in silence;
        and when `few_steps` are for one that does not want them."""
        asked = self.request.loras if isinstance(self.request, ImageRequest) else ()
        if [(it.name, it.weight) for it in asked] != [(it.name, it.weight) for it in self.loras]:
            raise ValueError("the job's LoRAs are not those of its request")
        if self.few_steps is not None and not takes_few_steps(self.request):
            raise ValueError("few steps are for text2img requests of the tier fast only")


def takes_few_steps(request: GenerationRequest) -> bool:
    """From an image only a share of the steps is run, by `strength`: of four, one."""
    return isinstance(request, Text2ImgRequest) and request.speed_tier is SpeedTier.FAST


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineProgress:
    """How far a job is. `stage` is one of `encode`, `denoise`, `refine`, `decode`."""

    stage: str
    #: 0 … total_steps, over all stages that count steps; never goes backwards within a job.
    step: int
    total_steps: int
    #: 0 … 1 of the whole job, by what its stages cost; never goes backwards within a job.
    fraction: float
    #: What the first picture, or the film's middle, will look like, small; only every few steps.
    preview: Pixels | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    pixels: Pixels
    seed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Film:
    """What a film job made. Its frames went to `on_frames` while they were decoded."""

    #: How many came; what was asked for, rounded up to 4k + 1.
    frames: int
    #: Width, height in pixels of the frames.
    size: tuple[int, int]
    seed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineResult:
    #: Empty where there is a film.
    pictures: tuple[Picture, ...] = ()
    film: Film | None = None
    #: The model's name in the ModelSpec table.
    model: str
    #: Width, height in pixels that the model drew at before any resizing.
    native_size: tuple[int, int]
    #: How many frames the model drew before any resampling in time; None where there is no film.
    native_frames: int | None = None
    #: True when the model's refiner took part.
    refiner: bool = False
    #: Those that the picture was drawn with.
    few_steps: FewSteps | None = None
    #: True when the model did not read the end of a prompt, which was too long for it.
    prompt_truncated: bool = False
    #: Seconds of the device per stage: `encode`, `denoise`, `refine` where there is a refiner,
    #: `decode`. Of a stage that several jobs went through together, this one's share by pictures.
    timings: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineInfo:
    """What a ready engine says of itself."""

    models: tuple[str, ...]
    #: torch's name of the device: `cpu`, `cuda:0`.
    device: str
    #: The device's own name, as its maker writes it.
    device_name: str
    load_seconds: float
    #: Of the numbers that the model computes with: `fp32`, `fp16` or `bf16`.
    precision: str = "fp32"
    #: True when the same request gives the same bytes again, on this device.
    deterministic: bool = False
    #: As many pictures of jobs that wait are drawn together; 1 is each job for itself.
    batch_rows: int = 1
    #: What a denoising step of so many pictures takes here; empty where it was not measured.
    step_seconds: Mapping[int, float] = field(default_factory=dict[int, float])
    memory: Mapping[str, Any] = field(default_factory=dict[str, Any])


class EngineUnavailable(Exception):
    """The model cannot be had: nothing that this worker takes can be done, whoever asks.

    No `GenerationError`, since no generation is at fault. Its text is the operator's: it may name
    a path of this machine, so it goes into logs and never into a document.
    """


def timed_out(request: GenerationRequest, limit_seconds: float) -> GenerationError:
    """What `Engine.run` raises at a job's time limit."""
    less = "fewer images" if isinstance(request, ImageRequest) else "fewer frames"
    return GenerationError(
        ErrorCode.TIMED_OUT,
        f"The generation took longer than the {limit_seconds:g} seconds that {request.task_type} "
        f"may take here; ask for fewer steps, {less} or a smaller size.",
    )


class JobCancelled(BaseException):
    """`cancel` was called; derives from BaseException so that no `except Exception` swallows it."""


def no_frames(_: Frames) -> None:
    """For jobs that are no film."""


def never_stopped() -> None:
    """For fetching that nobody stops."""


class InputImages(Protocol):
    """Where the images lie that requests refer to."""

    def fetch(
        self,
        url: str,
        *,
        field: str,
        uid: str | None,
        check: Callable[[], None] = never_stopped,
    ) -> bytes:
        """The whole file, as it lies there. `field` names the request's field in errors.

        Reads only what the person `uid` may read; None is the operator, at the command line.
        `check` is called now and then while a host is waited for, and may raise to end that. Raises
        `InvalidInput` for an address that is not served and for what cannot be a picture's file,
        `GenerationError` (input_unavailable) when nothing can be had there, and `Unavailable`.
        """


class Unresolved(Exception):
    """A host has no address, or nobody said so in time."""


class Resolver(Protocol):
    """The names of the internet."""

    def resolve(self, host: str, *, timeout_seconds: float) -> Sequence[str]:
        """Every IP address of `host`, at least one, as text. Raises `Unresolved`."""


class Engine(Protocol):
    """The model behind a process boundary; thread-safe. One job at a time, or several that wait
    together where it draws in batches: whoever runs one notices nothing but the time."""

    def start(self) -> None:
        """Begin loading; returns at once."""

    @property
    def ready(self) -> bool:
        """True while the model is loaded: a job begins after those in line."""

    @property
    def info(self) -> EngineInfo | None:
        """Of the model that is loaded; None while there is none. Starts nothing."""

    def wait_ready(self, timeout_seconds: float) -> EngineInfo:
        """Block until the model is loaded. Raises `GenerationError` with what went wrong, which
        closing it afterwards does not change."""

    def run(
        self,
        job: EngineJob,
        on_progress: Callable[[EngineProgress], None],
        on_frames: Callable[[Frames], None] = no_frames,
    ) -> EngineResult:
        """Generate; blocks, and waits for its turn when the engine is busy.

        `on_progress` is called from the thread that reads the engine's pipe and must return at
        once. `on_frames` gets a film's frames from the same thread, some at a time and in order,
        while the rest is being decoded; as long as it takes, the engine waits with the next ones,
        so that neither side holds a whole film; none come after `cancel` or `close`. Neither may
        raise. A cancelled `run` ends once the call under way has returned.

        Raises `JobCancelled`, or `GenerationError` (code `engine_crashed` when the process died, or
        hung and was killed: it is started anew for the next job; `timed_out` at the job's limit),
        or `EngineUnavailable`, at once, when the model could not be loaded.
        """

    def watch(self, on_loss: Callable[[EngineUnavailable], None]) -> None:
        """Have `on_loss` called when a model that was ready cannot be loaded again.

        Called once a loss, from a thread of the engine's, before any job in hand is told, and at
        once if the model is lost already; it must return at once. One listener: a second call
        takes the first one's place.
        """

    def cancel(self, job_id: str) -> None:
        """Stop the job at its next denoising step, or before it starts; unknown ids are ignored."""

    def close(self) -> None:
        """End the process; a running job raises `JobCancelled`."""
