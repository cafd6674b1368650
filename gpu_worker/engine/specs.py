"""The table of models: what each can do, at which sizes, in which precision, and where it lies.

Free of torch, so that the supervisor and the tests may read it too.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TypeAlias

from shared.errors import ErrorCode, GenerationError
from shared.request import VIDEO_SIZES, TaskType

#: Width, height in pixels.
Size: TypeAlias = tuple[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class HubSource:
    """A repository on the Hugging Face hub, pinned: a branch could change under us."""

    repository: str
    #: A full commit id.
    revision: str
    #: Which of the published weight files: `fp16` halves the download, in every precision.
    variant: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderSource:
    """A diffusers checkpoint on this machine."""

    folder: Path
    variant: str | None = None


Source: TypeAlias = HubSource | FolderSource

#: What every diffusers checkpoint has at its top.
INDEX_FILE = "model_index.json"
#: Where the folder of a model holds its refiner, itself a diffusers checkpoint, if it has one.
REFINER_FOLDER = "refiner"
PICTURE_TASKS = (TaskType.TEXT2IMG, TaskType.IMG2IMG, TaskType.INPAINT)
FILM_TASKS = (TaskType.TEXT2VIDEO,)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpec:
    """What pictures' and films' models have in common."""

    name: str
    source: Source
    #: Those that it does not list are refused with a sentence.
    tasks: tuple[TaskType, ...]
    #: The sizes that the model was trained for.
    native_sizes: tuple[Size, ...]
    #: False: it draws at the native size of the nearest shape, and what it drew is then resized.
    draws_any_size: bool
    #: Whether a deployment that says nothing of it has what this model makes looked at.
    is_checked: bool = False
    #: Threads on a CPU; None for as many as the process may use.
    cpu_threads: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureWeights:
    """In parameters. The refiner's are those that it has besides what the base lends it."""

    text_encoder: int
    text_encoder_2: int
    unet: int
    vae: int
    refiner: int
    #: Made on a GPU beside the UNet's own, see `kernels`.
    fused: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureSpec(ModelSpec):
    """A model of SDXL's kind."""

    #: Drawn when the request has no size.
    default_size: Size
    #: Pixels: the least and the most that an input image's own size is drawn at.
    image_areas: tuple[int, int]
    #: Of the same family as the model: sharing its second text encoder, its tokenizer and its VAE.
    #: A folder of a model may hold one of its own (see REFINER_FOLDER).
    refiner: Source | None = None
    #: Stands in for the model's own VAE in fp16, where that one overflows to black pictures.
    fp16_vae: Source | None = None
    #: LoRAs that come with the model, called as their files are; those that are there are offered.
    own_loras: tuple[Path, ...] = ()
    #: The film model of the same kind of machine: it comes along unless another one is asked for.
    film_partner: str
    #: None: so few that they fit wherever anything does.
    weights: PictureWeights | None = None

    @property
    def parameters(self) -> int:
        """All that stays where it is once loaded."""
        return 0 if self.weights is None else sum(astuple(self.weights))


@dataclass(frozen=True, kw_only=True, slots=True)
class FilmWeights:
    """In parameters."""

    text_encoder: int
    #: The largest that is computed with at once.
    text_encoder_largest_layer: int
    transformer: int
    vae: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FilmSpec(ModelSpec):
    """A model of Wan's kind."""

    #: How many frames it always draws, to be resampled in time; None: as many as asked for.
    native_frames: int | None = None
    #: From which length of the drawn film's shorter side on, in pixels, which flow shift: how much
    #: of a schedule is spent on high noise, which bigger films need more of. None: as in the
    #: checkpoint, for every size.
    flow_shifts: tuple[tuple[int, float], ...] | None = None
    #: What reading the prompts costs, and decoding one frame, in evaluations of the transformer, of
    #: which a step has two with guidance. Only for the fraction that progress shows.
    encode_cost: float
    frame_cost: float
    #: None: so few that they fit wherever anything does.
    weights: FilmWeights | None = None


CHECKPOINTS = Path(__file__).parent / "checkpoints"

SHAPES = PictureSpec(
    name="shapes",
    source=FolderSource(folder=CHECKPOINTS / "shapes", variant="fp16"),
    tasks=PICTURE_TASKS,
    default_size=(128, 128),
    native_sizes=((128, 128), (192, 128), (128, 192)),
    draws_any_size=False,
    image_areas=(64 * 64, 2048 * 2048),
    # Its layers are so small that a second thread gains a fifth on an idle machine, and on a busy
    # one the threads wait for each other: 20 s and more for a picture, where one takes 0.4 s.
    cpu_threads=1,
    own_loras=(CHECKPOINTS / "shapes-lora" / "pastel.safetensors",),
    film_partner="shapes-film",
)

SDXL = PictureSpec(
    name="sdxl",
    source=HubSource(
        repository="stabilityai/stable-diffusion-xl-base-1.0",
        revision="462165984030d82259a11f4367a4eed129e94a7b",
        variant="fp16",
    ),
    tasks=PICTURE_TASKS,
    default_size=(1024, 1024),
    # "SDXL: Improving Latent Diffusion Models", appendix I: the sizes people ask for most.
    native_sizes=(
        (1024, 1024),
        (1152, 896),
        (896, 1152),
        (1216, 832),
        (832, 1216),
        (1344, 768),
        (768, 1344),
        (1536, 640),
        (640, 1536),
    ),
    draws_any_size=True,
    # Trained at a million pixels: it repeats itself well above, and draws nothing well below.
    image_areas=(768 * 768, 1280 * 1024),
    refiner=HubSource(
        repository="stabilityai/stable-diffusion-xl-refiner-1.0",
        revision="5d4cfe854c9a9a87939ff3653551c2b3c99a4356",
        variant="fp16",
    ),
    fp16_vae=HubSource(
        repository="madebyollin/sdxl-vae-fp16-fix",
        revision="207b116dae70ace3637169f1ddd2434b91b3a8cd",
    ),
    film_partner="wan",
    is_checked=True,
    # Counted on the published configurations (bench/gpu_models.py).
    weights=PictureWeights(
        text_encoder=123_060_480,
        text_encoder_2=694_659_840,
        unet=2_567_463_684,
        vae=83_653_863,
        refiner=2_259_526_660,
        fused=307_200_000,
    ),
)

SHAPES_FILM = FilmSpec(
    name="shapes-film",
    source=FolderSource(folder=CHECKPOINTS / "shapes-film", variant="fp16"),
    tasks=FILM_TASKS,
    native_sizes=((112, 64), (64, 112)),
    draws_any_size=False,
    native_frames=17,
    cpu_threads=1,
    # Measured on one core of two: 14 ms an evaluation, 11 ms for the prompts, 0.4 s for 17 frames.
    encode_cost=0.8,
    frame_cost=1.7,
)

WAN = FilmSpec(
    name="wan",
    source=HubSource(
        repository="Wan-AI/Wan2.1-T2V-1.3B-Diffusers",
        revision="0fad780a534b6463e45facd96134c9f345acfa5b",
    ),
    tasks=FILM_TASKS,
    native_sizes=VIDEO_SIZES,
    draws_any_size=True,
    # As the authors of Wan2.1 and diffusers' documentation give them, for 480p and for 720p.
    flow_shifts=((0, 3.0), (720, 5.0)),
    # Counted on meta tensors, 81 frames of 832 × 480: 283 TFLOP an evaluation, 275 for decoding;
    # estimated: that runs at a third of the speed, since convolutions over few channels wait for
    # memory, and the text encoder's 12 TFLOP wait for its 11 GB of weights.
    encode_cost=0.5,
    frame_cost=3 / 81,
    is_checked=True,
    # A quarter of the published files' bytes, which are fp32: 22.72, 5.68 and 0.51 GB.
    weights=FilmWeights(
        text_encoder=5_680_910_336,
        text_encoder_largest_layer=256_384 * 4096,
        transformer=1_418_996_800,
        vae=126_892_531,
    ),
)

PICTURE_SPECS = {spec.name: spec for spec in (SHAPES, SDXL)}
FILM_SPECS = {spec.name: spec for spec in (SHAPES_FILM, WAN)}
#: On a CPU they take minutes and hours for what takes a GPU seconds and minutes.
GPU_MODELS = frozenset({SDXL.name, WAN.name})
#: In a model's place: none of that kind.
NO_MODEL = "none"


def find_picture_spec(name: str) -> PictureSpec:
    """The model called `name`. Raises `GenerationError` with the names that there are."""
    try:
        return PICTURE_SPECS[name]
    except KeyError:
        raise _unknown("model", name, PICTURE_SPECS) from None


def find_film_spec(name: str) -> FilmSpec:
    """The film model called `name`. Raises `GenerationError` with the names that there are."""
    try:
        return FILM_SPECS[name]
    except KeyError:
        raise _unknown("film model", name, FILM_SPECS) from None


def film_partner_of(picture_model: str) -> str:
    """The name of the film model that goes with `picture_model`, which may be NO_MODEL."""
    spec = PICTURE_SPECS.get(picture_model, SDXL)
    return spec.film_partner


def _unknown(what: str, name: str, known: Iterable[str]) -> GenerationError:
    return GenerationError(
        ErrorCode.INTERNAL,
        f"There is no {what} called {name[:60]!r}; it must be one of {', '.join(known)}.",
    )


def served_tasks(*specs: ModelSpec | None) -> tuple[TaskType, ...]:
    """What an engine with these models does; None is no model."""
    return tuple(task for spec in specs if spec is not None for task in spec.tasks)


def unsupported(task: TaskType, served: tuple[TaskType, ...]) -> GenerationError:
    """The refusal of a task that is not among those `served`."""
    return GenerationError(
        ErrorCode.UNSUPPORTED_TASK,
        f"task_type is {task.value}; this worker serves {', '.join(served)} only.",
    )
