"""The table of models: what each can do, at which sizes, in which precision, and where it lies.

Free of torch, so that the supervisor and the tests may read it too.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from shared.errors import ErrorCode, GenerationError
from shared.request import TaskType

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


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpec:
    """One model. Tasks that it does not list are refused with a sentence."""

    name: str
    source: Source
    tasks: tuple[TaskType, ...]
    #: Drawn when the request has no size.
    default_size: Size
    #: The sizes that the model was trained for.
    native_sizes: tuple[Size, ...]
    #: False: it draws at the native size of the nearest shape, and the picture is then resized.
    draws_any_size: bool
    #: Threads on a CPU; None for as many as the process may use.
    cpu_threads: int | None = None
    #: Pixels: the least and the most that an input image's own size is drawn at.
    image_areas: tuple[int, int]
    #: Of the same family as the model: sharing its second text encoder, its tokenizer and its VAE.
    #: A folder of a model may hold one of its own (see REFINER_FOLDER).
    refiner: Source | None = None
    #: Stands in for the model's own VAE in fp16, where that one overflows to black pictures.
    fp16_vae: Source | None = None
    #: LoRAs that come with the model, called as their files are; those that are there are offered.
    own_loras: tuple[Path, ...] = ()


CHECKPOINTS = Path(__file__).parent / "checkpoints"

SHAPES = ModelSpec(
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
)

SDXL = ModelSpec(
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
)

MODEL_SPECS = {spec.name: spec for spec in (SHAPES, SDXL)}


def find_spec(name: str) -> ModelSpec:
    """The model called `name`. Raises `GenerationError` with the names that there are."""
    try:
        return MODEL_SPECS[name]
    except KeyError:
        known = ", ".join(MODEL_SPECS)
        raise GenerationError(
            ErrorCode.INTERNAL,
            f"There is no model called {name[:60]!r}; it must be one of {known}.",
        ) from None


def unsupported(task: TaskType, served: tuple[TaskType, ...]) -> GenerationError:
    """The refusal of a task that is not among those `served`."""
    return GenerationError(
        ErrorCode.UNSUPPORTED_TASK,
        f"task_type is {task.value}; this worker serves {', '.join(served)} only.",
    )
