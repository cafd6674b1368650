"""What a worker takes."""

from enum import StrEnum


class Tasks(StrEnum):
    """So that fleets for pictures and for films scale apart."""

    IMAGE = "image"
    VIDEO = "video"
    BOTH = "both"
