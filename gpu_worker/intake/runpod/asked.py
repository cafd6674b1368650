"""What a job of the endpoint asks for: its input, checked, and the generation that it stands for.

Pure. Whatever is wrong is an `InvalidInput` with a sentence before anything is written anywhere.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.admission import Admission
from shared.dispatched import MARK
from shared.errors import InvalidInput
from shared.kinds import Kind, kind_of
from shared.parse import parse_request
from shared.paths import GenerationPath, check_id
from shared.request import MAX_IMAGES, GenerationRequest

#: Whose a generation is that nobody else will ever see: it lives as long as its job.
NOBODY = "runpod"
#: Parameters that say where a generation lives, not what it is.
PLACE = {"user_id", "file_uid", "use_cloud_storage"}
MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    request: GenerationRequest
    #: As it came.
    raw: Mapping[str, Any]
    path: GenerationPath
    #: Its document is there already, or was; nobody reads the answer.
    dispatched: bool = False

    @property
    def in_cloud(self) -> bool:
        """Whether its document and its files are to outlive the job."""
        return self.request.use_cloud_storage

    @property
    def kind(self) -> Kind:
        """The line that its document is counted in."""
        return kind_of(self.request.task_type)

    def is_same(self, stored: object) -> bool:
        """Whether the `input` of a document asks for the same pictures or film."""
        try:
            other = parse_request(stored, max_images=MAX_IMAGES)
        except InvalidInput:
            return False
        return self.request.model_dump(exclude=PLACE) == other.model_dump(exclude=PLACE)


def read_job(
    job_id: object, raw: object, *, admission: Admission, has_cloud: bool, max_bytes: int
) -> Asked:
    """Read the input of the job `job_id`; `max_bytes` bounds it as JSON.

    A MARK of true comes from `trigger.dispatch`; whoever else sends it only does without the new
    document.

    Raises `InvalidInput`, and `GenerationError` (content_rejected) for a prompt that is not
    allowed here.
    """
    _check_size(raw, max_bytes)
    dispatched = False
    if isinstance(raw, Mapping) and raw.get(MARK) is True:
        dispatched = True
        raw = {name: value for name, value in raw.items() if name != MARK}
    request = parse_request(raw, max_images=admission.max_images)
    if request.use_cloud_storage:
        if not has_cloud:
            raise InvalidInput(
                "use_cloud_storage is true; it must be false or left out, since this endpoint has "
                "no cloud storage (its operator has not set GOOGLE_CLOUD_PROJECT)."
            )
        for name, whose in (("user_id", "the user"), ("file_uid", "the generation")):
            if getattr(request, name) is None:
                raise InvalidInput(
                    f"{name} is missing; with use_cloud_storage it must be the id of {whose}."
                )
    path = GenerationPath(
        uid=NOBODY if request.user_id is None else request.user_id,
        generation_id=_id_of(job_id) if request.file_uid is None else request.file_uid,
    )
    admission.prompts.check(request.prompt)
    given = raw if isinstance(raw, Mapping) else {}  # a request was read from it, so it is one
    if dispatched and not request.use_cloud_storage:
        raise InvalidInput(
            f"{MARK} is true, and use_cloud_storage false; a job of the dispatching function's "
            "must have both true."
        )
    return Asked(request=request, raw=given, path=path, dispatched=dispatched)


def _id_of(job_id: object) -> str:
    try:
        return check_id("id", job_id)
    except InvalidInput:
        return uuid.uuid4().hex


def _check_size(raw: object, max_bytes: int) -> None:
    try:
        size = json_bytes(raw)
    except RecursionError:
        raise InvalidInput(
            "input is nested too deeply; it must be an object of request parameters."
        ) from None
    if size > max_bytes:
        raise InvalidInput(
            f"input takes {size / MEGABYTE:.1f} MB; it must take at most "
            f"{max_bytes / MEGABYTE:g} MB. Give a large image by its address."
        )


def json_bytes(value: object) -> int:
    """The size of `value` as RunPod's library sends it."""
    return len(json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass"))
