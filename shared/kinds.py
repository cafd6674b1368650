"""Pictures and films: queues, quotas of speed and workers are told apart by no more than that."""

from enum import StrEnum

from shared.request import TaskType


class Kind(StrEnum):
    IMAGE = "image"
    VIDEO = "video"


def kind_of(task: TaskType) -> Kind:
    return Kind.VIDEO if task is TaskType.TEXT2VIDEO else Kind.IMAGE
