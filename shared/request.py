"""The request models of the four task types: the seed's fields, defaults and ranges.

The same JSON object is a document's `input` and RunPod's `input`. A value has to have its field's
type (no strings for numbers), unknown keys are refused, and `null` means "not given".
"""

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from shared.weighting import read_weights

#: What a JavaScript client can hold without rounding (Number.MAX_SAFE_INTEGER).
MAX_SEED = 2**53 - 1
#: The contract's bound; a deployment sets its own below it.
MAX_IMAGES = 16
#: A deployment's own bound unless its operator says otherwise: the seed's.
DEFAULT_MAX_IMAGES = 2
#: About 500 tokens; SDXL reads the first 77 unless asked for all, Wan the first 512.
MAX_PROMPT_CHARACTERS = 2000
#: A base64 data URL of a 10 MB file.
MAX_URL_CHARACTERS = 14_000_000
URL_SCHEMES = ("https://", "http://", "gs://", "s3://", "data:image/")
#: More would blur into each other, and each costs time in every step.
MAX_LORAS = 4
#: Beyond it pictures fall apart.
MAX_LORA_WEIGHT = 2
#: Safe in a file of settings, in A1111's `<lora:name:weight>` and as a name of a torch module.
LORA_NAME_PATTERN = "^[a-z0-9][a-z0-9_-]{0,63}$"
LORA_NAME_WORDS = (
    "a name of at most 64 lower-case letters, digits, - and _, not beginning with - or _"
)
#: Width × height of the films that Wan2.1 was trained for, and their portrait forms.
VIDEO_SIZES = ((832, 480), (480, 832), (1280, 720), (720, 1280))


class TaskType(StrEnum):
    TEXT2IMG = "text2img"
    IMG2IMG = "img2img"
    INPAINT = "inpaint"
    TEXT2VIDEO = "text2video"


class Scheduler(StrEnum):
    PNDM = "PNDM"
    KLMS = "KLMS"
    DDIM = "DDIM"
    K_EULER = "K_EULER"
    K_EULER_ANCESTRAL = "K_EULER_ANCESTRAL"
    DPM_SOLVER_MULTISTEP = "DPMSolverMultistep"
    DPM_SOLVER_SINGLESTEP = "DPMSolverSinglestep"
    # Beyond the seed's: newer solvers, and noise levels spaced as Karras et al. (2022) found best.
    UNIPC = "UniPC"
    DEIS = "DEIS"
    HEUN = "Heun"
    K_EULER_KARRAS = "K_EULER_KARRAS"
    KLMS_KARRAS = "KLMS_KARRAS"
    DPM_SOLVER_MULTISTEP_KARRAS = "DPMSolverMultistepKarras"
    DPM_SOLVER_SINGLESTEP_KARRAS = "DPMSolverSinglestepKarras"
    DPM_SOLVER_SDE_KARRAS = "DPMSolverMultistepSDEKarras"


class SpeedTier(StrEnum):
    """How a result is come by: what a tier may leave out is the contract's, not a setting's; few
    steps need a LoRA of the operator's."""

    #: Every step as the model was made for.
    QUALITY = "quality"
    #: What is seen least is left out: another result, sooner.
    FAST = "fast"


class OutputFormat(StrEnum):
    """The file type of the pictures."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"


def _whole(value: object) -> object:
    # Dart and JSON writers turn 25 into 25.0; that is the same number, not a wrong type.
    # Beyond 2^53 a float is no longer one whole number, and is left to be refused as it was given.
    if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_SEED:
        return int(value)
    return value


def _scheduler(value: object) -> object:
    # Strict models take enum members only; JSON has their values.
    return Scheduler(value) if isinstance(value, str) and value in list(Scheduler) else value


def _output_format(value: object) -> object:
    return OutputFormat(value) if isinstance(value, str) and value in list(OutputFormat) else value


def _speed_tier(value: object) -> object:
    return SpeedTier(value) if isinstance(value, str) and value in list(SpeedTier) else value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("blank")
    return value


def _url(value: str) -> str:
    if not value.startswith(URL_SCHEMES):
        raise ValueError("scheme")
    return value


#: Stands after the limits: before them it would hide them from the JSON Schema.
WHOLE = BeforeValidator(_whole)
Prompt = Annotated[
    str, Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS), AfterValidator(_not_blank)
]
NegativePrompt = Annotated[str, Field(max_length=MAX_PROMPT_CHARACTERS)]
Url = Annotated[str, Field(max_length=MAX_URL_CHARACTERS), AfterValidator(_url)]
#: Pixels. The VAE works on blocks of 8.
Side = Annotated[int, Field(ge=64, le=2048, multiple_of=8), WHOLE]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED), WHOLE]
Guidance = Annotated[float, Field(ge=0, le=30, allow_inf_nan=False)]


class Lora(BaseModel):
    """One small change of the model, which the operator offers under a name, and how much of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, Field(pattern=LORA_NAME_PATTERN)]
    #: Negative turns it round; 0 is none of it.
    weight: Annotated[
        float, Field(ge=-MAX_LORA_WEIGHT, le=MAX_LORA_WEIGHT, allow_inf_nan=False)
    ] = 1.0


#: JSON and Firestore have lists, and a request does not change.
Loras = Annotated[
    tuple[Lora, ...],
    Field(max_length=MAX_LORAS),
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
]


class Request(BaseModel):
    """What all four tasks share."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    #: Drawn at random (53 bits) when not given, and reported in the output.
    seed: Seed | None = None
    #: What is not to be seen.
    negative_prompt: NegativePrompt | None = None
    #: Denoising steps of the base model.
    num_inference_steps: Annotated[int, Field(ge=1, le=150), WHOLE] = 25
    #: `fast` is guided for the first half of its steps only, or drawn in few steps where the
    #: operator has a LoRA for that: sooner, and another result.
    speed_tier: Annotated[SpeedTier, BeforeValidator(_speed_tier)] = SpeedTier.QUALITY
    #: For endpoints without a document (RunPod); else, if given, that of the document's path.
    user_id: str | None = None
    #: As `user_id`: the document's id.
    file_uid: str | None = None
    #: Only for endpoints without a document; a document's files are always stored.
    use_cloud_storage: bool = False


class ImageRequest(Request):
    """What the three picture tasks share."""

    #: Pixels. When not given: the input image's size, or without one the model's own (SDXL: 1024).
    width: Side | None = None
    #: As `width`.
    height: Side | None = None
    scheduler: Annotated[Scheduler, BeforeValidator(_scheduler)] = Scheduler.DDIM
    #: How closely the prompt is followed.
    guidance_scale: Guidance = 7.5
    #: Denoising steps of the refiner, if the model has one; 0 leaves it out.
    refiner_inference_steps: Annotated[int, Field(ge=0, le=150), WHOLE] = 50
    #: Share of the noise put on the input image, or on the base's picture by the refiner.
    strength: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.3
    #: Share of the steps done by the base before the refiner takes over.
    high_noise_frac: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] | None = None
    #: Not more than the deployment allows either: `parse_request` sees to that.
    num_images: Annotated[int, Field(ge=1, le=MAX_IMAGES), WHOLE] = 1
    output_format: Annotated[OutputFormat, BeforeValidator(_output_format)] = OutputFormat.PNG
    #: Under the names that the operator offers, each once; only the worker knows them.
    loras: Loras = ()

    #: Read weights as in `(red)1.3` in both prompts, and all of their tokens, not 77.
    prompt_weighting: bool = False

    @model_validator(mode="after")
    def _loras_differ(self) -> "ImageRequest":
        names = [lora.name for lora in self.loras]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise ValueError(
                    f'loras[{index}].name is "{name}"; it must be another name than that of '
                    f"loras[{names.index(name)}]."
                )
        return self

    @model_validator(mode="after")
    def _weights_can_be_read(self) -> "ImageRequest":
        for name in ("prompt", "negative_prompt"):
            text = getattr(self, name, None) or ""
            if self.prompt_weighting and text.strip():
                try:
                    read_weights(text)
                except ValueError as fault:
                    raise ValueError(f"{name} {fault}") from None
        return self


class Text2ImgRequest(ImageRequest):
    task_type: Literal[TaskType.TEXT2IMG] = TaskType.TEXT2IMG
    prompt: Prompt


class Img2ImgRequest(ImageRequest):
    task_type: Literal[TaskType.IMG2IMG] = TaskType.IMG2IMG
    #: May be absent, since an image is there.
    prompt: Prompt | None = None
    #: The user's own file in Storage by its `gs://` or download address, a `data:image/` URL, or
    #: an `https://` address of a host that the operator allows.
    image_url: Url


class InpaintRequest(ImageRequest):
    task_type: Literal[TaskType.INPAINT] = TaskType.INPAINT
    prompt: Prompt | None = None
    #: As that of `img2img`.
    image_url: Url
    #: White is painted anew, black is kept.
    mask_url: Url


class Text2VideoRequest(Request):
    task_type: Literal[TaskType.TEXT2VIDEO] = TaskType.TEXT2VIDEO
    prompt: Prompt
    #: Pixels. Width × height is 832×480, 480×832, 1280×720 or 720×1280 (VIDEO_SIZES).
    video_height: Annotated[int, WHOLE] = 480
    #: As `video_height`.
    video_width: Annotated[int, WHOLE] = 832
    #: Wan makes 4k + 1 frames; others are rounded up to that.
    num_frames: Annotated[int, Field(ge=16, le=81), WHOLE] = 81
    #: How closely the prompt is followed.
    video_guidance_scale: Annotated[float, Field(ge=1, le=20, allow_inf_nan=False)] = 5.0
    #: Frames a second.
    fps: Annotated[int, Field(ge=6, le=30), WHOLE] = 15

    @model_validator(mode="after")
    def _size_is_supported(self) -> "Text2VideoRequest":
        if (self.video_width, self.video_height) not in VIDEO_SIZES:
            pairs = ", ".join(f"{width}x{height}" for width, height in VIDEO_SIZES)
            raise ValueError(
                f"video_width x video_height is {self.video_width}x{self.video_height}; "
                f"it must be one of {pairs}."
            )
        return self


GenerationRequest: TypeAlias = Text2ImgRequest | Img2ImgRequest | InpaintRequest | Text2VideoRequest

MODELS: dict[TaskType, type[GenerationRequest]] = {
    TaskType.TEXT2IMG: Text2ImgRequest,
    TaskType.IMG2IMG: Img2ImgRequest,
    TaskType.INPAINT: InpaintRequest,
    TaskType.TEXT2VIDEO: Text2VideoRequest,
}
