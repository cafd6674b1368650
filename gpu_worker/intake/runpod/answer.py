"""The answer to a job, read off its ended document: the shapes that RunPod's clients know.

Exactly the original worker's keys, so that a client that refuses others is content; in cloud
storage `file_uid` beside them. What failed is `{"error": "code: sentence"}`.
"""

from collections.abc import Mapping
from typing import Any

from gpu_worker.intake.runpod.asked import MEGABYTE, json_bytes
from shared.errors import ErrorCode, GenerationError
from shared.status import Status

PICTURE_KEYS = ("image_url", "images", "seed")
FILM_KEYS = ("video_url", "videos", "video_info", "seed")
VIDEO_INFO_KEYS = ("frames", "width", "height", "fps", "duration_seconds")
INTERNAL = "Something went wrong on our side."
CANCELLED = "cancelled: The generation was cancelled."
DELETED = "cancelled: The generation was deleted while it was being made."

Answer = dict[str, Any]


def ended(data: Mapping[str, Any]) -> bool:
    """Whether a document's status is a terminal one."""
    status = data.get("status")
    return status in list(Status) and Status(status).terminal


def answer_of(data: Mapping[str, Any], *, file_uid: str | None = None) -> Answer:
    """Of a document with a terminal status; one with a `file_uid` lies in cloud storage."""
    status = data.get("status")
    if status == Status.CANCELLED:
        return {"error": CANCELLED}
    if status == Status.FAILED:
        error = data.get("error") or {}
        code = error.get("code", ErrorCode.INTERNAL.value)
        return {"error": f"{code}: {error.get('message', INTERNAL)}"}
    output = data["output"]
    keys = FILM_KEYS if "video_url" in output else PICTURE_KEYS
    answer = {key: output[key] for key in keys}
    if "video_info" in answer:
        info = answer["video_info"]
        answer["video_info"] = {key: info[key] for key in VIDEO_INFO_KEYS}
    return answer if file_uid is None else {**answer, "file_uid": file_uid}


def refusal(error: GenerationError) -> Answer:
    return {"error": str(error)}


def lost_engine() -> Answer:
    """This worker can make nothing any more; RunPod is asked to put a fresh one in its place."""
    lost = GenerationError(
        ErrorCode.SERVICE_UNAVAILABLE,
        "This worker has lost its model and is being replaced; send the request again.",
    )
    return {**refusal(lost), "refresh_worker": True}


def bounded(answer: Answer, max_bytes: int) -> Answer:
    """`answer`, or an error in its place where RunPod would not take it: its library only notes
    that in the worker's log, and the job would stay in progress until it times out."""
    size = json_bytes({"output": answer})
    if size <= max_bytes:
        return answer
    return refusal(
        GenerationError(
            ErrorCode.INVALID_INPUT,
            f"The result takes {size / MEGABYTE:.1f} MB; without cloud storage it must take at "
            f"most {max_bytes / MEGABYTE:g} MB. Set use_cloud_storage to true (with user_id and "
            "file_uid), or ask for less: fewer or smaller images, output_format jpeg, fewer "
            "frames.",
        )
    )
