"""Pictures and films: queues, quotas of speed and workers are told apart by no more than that."""

from collections.abc import Mapping
from enum import StrEnum

from shared.request import TaskType


class Kind(StrEnum):
    IMAGE = "image"
    VIDEO = "video"


_KINDS: Mapping[TaskType, Kind] = {
    TaskType.TEXT2IMG: Kind.IMAGE,
    TaskType.IMG2IMG: Kind.IMAGE,
    TaskType.INPAINT: Kind.IMAGE,
    TaskType.TEXT2VIDEO: Kind.VIDEO,
}


def kind_of(task: TaskType) -> Kind:
    return _KINDS[task]
