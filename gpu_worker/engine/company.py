"""Which of the waiting jobs are drawn together: those that differ in nothing but what each row of a
batch has for itself. The oldest always goes; others that already wait go along, oldest first, as
far as the rows reach; nobody waits for company. Pure, and free of torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gpu_worker.engine.sizes import decide_sizes
from gpu_worker.engine.specs import PictureSpec
from gpu_worker.ports import EngineJob
from shared.request import ImageRequest, TaskType

#: Jobs of equal keys may share a batch.
CompanyKey: TypeAlias = tuple[object, ...]

#: What a pipeline lets go row by row; an inpainting one holds on to all of its rows to the end.
TASKS_TOGETHER = (TaskType.TEXT2IMG, TaskType.IMG2IMG)
#: Of a request: what rows have for themselves, and what has no part in the drawing. Whatever else
#: there is, or will be, must be equal.
OWN_FIELDS = frozenset(
    {
        *("prompt", "negative_prompt", "seed", "num_images"),
        # The size at which the model draws is in the key in place of the one asked for.
        *("width", "height", "image_url"),
        *("output_format", "user_id", "file_uid", "use_cloud_storage"),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """One job in line, as the choice sees it."""

    job_id: str
    #: Pictures; each is a row of a batch.
    rows: int
    #: None: it goes alone.
    key: CompanyKey | None


def rows_of(job: EngineJob) -> int:
    """How many pictures it asks for; 1 for a film."""
    return job.request.num_images if isinstance(job.request, ImageRequest) else 1


def company_key(spec: PictureSpec, job: EngineJob) -> CompanyKey | None:
    """What `job` has to have in common with others; None for one that goes alone."""
    request = job.request
    if not isinstance(request, ImageRequest) or request.task_type not in TASKS_TOGETHER:
        return None
    # Weighted prompts are read to their ends, so their embeddings differ in length.
    if request.prompt_weighting:
        return None
    return (
        decide_sizes(spec, request.width, request.height, job.image).drawn,
        # Without any text there is no guidance, whatever its scale.
        bool(getattr(request, "prompt", None) or request.negative_prompt),
        tuple(lora.sha256 for lora in job.loras),
        job.few_steps,
        request.model_dump_json(exclude=set(OWN_FIELDS)),
    )


def choose_company(waiting: Sequence[Waiting], limit: int) -> list[int]:
    """Indices of those that go together: the first of `waiting`, the oldest, and who may join it.

    At most `limit` rows, unless the first has more by itself: then it goes alone.
    """
    first = waiting[0]
    chosen, ids, rows = [0], {first.job_id}, first.rows
    if first.key is None:
        return chosen
    for index, one in enumerate(waiting[1:], 1):
        # Answers are told apart by the id.
        if one.key == first.key and one.job_id not in ids and rows + one.rows <= limit:
            chosen.append(index)
            ids.add(one.job_id)
            rows += one.rows
    return chosen
