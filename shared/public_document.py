"""The generation document as an app reads it: what the clients' models and JSON Schema come from.

It describes, and nothing on the server runs through it: the server's own view is
`shared.document`. Unknown fields are refused here, so that tests which read real documents with it
find whatever the server writes and this does not say.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from shared.charge import ChargeState
from shared.errors import ErrorCode
from shared.kinds import Kind
from shared.request import Lora, SpeedTier
from shared.status import Status

#: A share of the whole.
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Pixels = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(ge=0)]


class Stage(StrEnum):
    """What a worker is doing with a generation."""

    ENCODE = "encode"
    DENOISE = "denoise"
    REFINE = "refine"
    DECODE = "decode"
    STORE = "store"


class QuotaLimit(StrEnum):
    DAILY_CREDITS = "daily_credits"
    CONCURRENT = "concurrent"


class PublicModel(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        val_json_bytes="base64",
        ser_json_bytes="base64",
    )


class Queue(PublicModel):
    """Where a generation stands that waits for a worker."""

    #: Generations that will be begun before this one.
    ahead: Count
    #: Estimated seconds until it is begun; not there when nobody can know.
    eta_seconds: Seconds | None = None


class Progress(PublicModel):
    """How far a worker is. At most one change a second; never backwards within an attempt."""

    #: Share of the whole that is done.
    fraction: Fraction
    stage: Stage
    step: Count
    #: Some schedulers take one or two more than asked for.
    total_steps: Count
    #: A small WebP picture of what is there so far; of a film its middle frame.
    preview: bytes | None = None


class Size(PublicModel):
    """Pixels."""

    width: Pixels
    height: Pixels


class StoredFile(PublicModel):
    """One picture or film in Firebase Storage. Whoever has one of the addresses can read it."""

    url: str
    #: At most 256 pixels a side.
    thumbnail_url: str
    #: A placeholder of some 25 bytes as base64, to show until the picture is there.
    thumbhash: str
    storage_path: str
    content_type: str
    size_bytes: Count
    width: Pixels
    height: Pixels
    seed: Count


class StoredFilm(StoredFile):
    duration_seconds: Seconds
    #: The first frame in full size.
    poster_url: str
    #: A small animated WebP, where the operator wants those.
    preview_url: str | None = None


class Output(PublicModel):
    """What both kinds of output have."""

    #: That of the first picture, or of the film.
    seed: Count
    model: str
    #: What the model drew, before it was resized to what was asked.
    native_size: Size
    #: Whether the end of a prompt was left out, because the model reads only so much.
    prompt_truncated: bool
    #: What the request asked for; what older releases made has none.
    speed_tier: SpeedTier | None = None


class FewSteps(PublicModel):
    """How a picture was drawn by a LoRA for few steps, in the place of what the request says."""

    lora: str
    weight: float
    num_inference_steps: Count
    guidance_scale: float
    #: `euler_trailing`, `ddim_trailing` or `lcm`.
    sampler: str


class PictureOutput(Output):
    """Of `text2img`, `img2img` and `inpaint`."""

    #: The first of `images`.
    image_url: str
    images: list[str]
    files: list[StoredFile]
    #: Whether the refiner took part.
    refiner: bool
    #: Those asked for, where there were any.
    loras: list[Lora] | None = None
    #: Where the tier was `fast` and the operator has a LoRA for it.
    few_steps: FewSteps | None = None


class VideoInfo(PublicModel):
    """Measured from the file."""

    frames: Count
    width: Pixels
    height: Pixels
    fps: float
    duration_seconds: Seconds
    codec: str
    pixel_format: str
    #: Bits a second.
    bit_rate: Count


class FilmOutput(Output):
    """Of `text2video`."""

    video_url: str
    videos: list[str]
    video_info: VideoInfo
    files: list[StoredFilm]
    #: Frames that the model drew, before they were stretched to what was asked.
    native_frames: Count
    #: What `num_frames` was, where it was rounded.
    requested_frames: Count | None = None


class Quota(PublicModel):
    """What was too much: credits, or of `concurrent` generations."""

    limit: QuotaLimit
    allowed: Count
    #: Above `allowed`, the request never fits.
    needed: Count
    left: Count
    #: When there are new credits; not there for `concurrent`.
    renews_at: datetime | None = None


class Failure(PublicModel):
    """Why it failed, or, while it waits for another try, why the last one did."""

    #: For the program.
    code: ErrorCode
    #: For the person, in English.
    message: str
    #: The server tries these again by itself, three times at most.
    retryable: bool
    #: Of `quota_exceeded`.
    quota: Quota | None = None


class HeldLease(PublicModel):
    """Who works on it: the server's own book-keeping."""

    token: Count
    worker_id: str | None
    expires_at: datetime | None


class DispatchedJob(PublicModel):
    """The last job that it was handed to, where the operator has RunPod start workers for it."""

    endpoint: str
    job_id: str
    at: datetime
    #: The lease's then.
    token: Count


class CreditCharge(PublicModel):
    """What it costs its owner; not there where the operator has no quotas."""

    credits: Count
    #: The day (UTC) that they count for, as `2026-11-23`.
    day: str
    state: ChargeState


class Timings(PublicModel):
    """Seconds by stage; a stage that there was none of is not there."""

    encode: Seconds | None = None
    denoise: Seconds | None = None
    refine: Seconds | None = None
    decode: Seconds | None = None
    #: Of looking at the pictures, where that is done.
    check: Seconds | None = None
    #: Of a film: from its last frame to the finished file.
    encode_film: Seconds | None = None
    compress: Seconds | None = None
    upload: Seconds | None = None


class Cost(PublicModel):
    """What it took."""

    #: How long the model worked on it.
    gpu_seconds: Seconds


class PublicGeneration(PublicModel):
    """One generation: the document `users/{uid}/generations/{id}`."""

    #: The request as it was written. Never changes, but one that is too big is emptied at the end.
    input: dict[str, Any]
    status: Status
    created_at: datetime
    #: The line that it waits in, once it is accepted.
    kind: Kind | None = None
    #: The owner wants it to end.
    cancel_requested: bool | None = None
    #: While it waits; anew every minute.
    queue: Queue | None = None
    #: While it is `processing`.
    progress: Progress | None = None
    #: When it is `completed`.
    output: PictureOutput | FilmOutput | None = None
    #: When it has `failed`, or is `queued` again after a failed attempt.
    error: Failure | None = None
    #: Attempts so far that were not given back on purpose.
    attempt: Count | None = None
    #: When it was accepted.
    queued_at: datetime | None = None
    #: When the latest attempt began.
    started_at: datetime | None = None
    completed_at: datetime | None = None
    updated_at: datetime | None = None
    #: The earliest time of the next attempt, after one that failed.
    not_before: datetime | None = None
    #: When it will be removed, where the operator lets generations expire.
    expire_at: datetime | None = None
    #: When it is `completed`.
    timings: Timings | None = None
    cost: Cost | None = None
    charge: CreditCharge | None = None
    lease: HeldLease | None = None
    dispatch: DispatchedJob | None = None
    #: Its end is told to its owner's devices, where the operator has notifications.
    notify: bool | None = None
    #: When the server looks whether a message about it was lost.
    sweep_after: datetime | None = None
