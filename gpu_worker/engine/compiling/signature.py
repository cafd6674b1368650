"""What a compiled graph is made for: shapes, strides, kinds and places of a call's tensors, and
all its other values. A call of another signature would make torch compile again, within a job."""

from collections.abc import Hashable, Mapping
from typing import Any, TypeAlias

import torch

Signature: TypeAlias = Hashable


def signature_of(value: Any) -> Signature:
    """Equal for calls that one graph can serve. Raises `TypeError` for what it does not know."""
    match value:
        case torch.Tensor():
            return ("tensor", tuple(value.shape), value.stride(), value.dtype, value.device)
        case None | bool() | int() | float() | str():
            return (type(value).__name__, value)
        case tuple() | list():
            return (type(value).__name__, *(signature_of(it) for it in value))
        case Mapping():
            items = ((name, signature_of(it)) for name, it in value.items())
            return ("mapping", *sorted(items, key=lambda it: str(it[0])))
        case _:
            raise TypeError(f"a {type(value).__name__} among the arguments")


def _copied_tensor(value: torch.Tensor) -> torch.Tensor:
    fresh = value.detach().clone()
    if fresh.stride() == value.stride():
        return fresh
    # Of a view whose numbers are repeated, say, a clone has other strides: another signature.
    whole = torch.empty(0, dtype=value.dtype, device=value.device).set_(value.untyped_storage())
    return whole.clone().as_strided(value.size(), value.stride(), value.storage_offset())


def copied(value: Any) -> Any:
    """`value` with tensors of its own, which nobody writes over."""
    match value:
        case torch.Tensor():
            return _copied_tensor(value)
        case tuple() | list():
            return type(value)(copied(it) for it in value)
        case Mapping():
            return {name: copied(it) for name, it in value.items()}
        case _:
            return value
