"""What the text encoders made of texts, kept: a text that comes again costs none of their passes.

Each text is kept by itself, so that the usual negative prompt is read once for all who use it. A
key is everything that an embedding depends on; the entries used longest ago go first, by bytes of
the device's memory. Texts stay in the keys and are never printed.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import torch

from gpu_worker.engine.speed_options import DEFAULT_TEXT_CACHE_MEBIBYTES

MEBIBYTE = 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Embedding:
    """Of one text. Its tensors are shared by jobs: nothing may be written into them."""

    #: 1 × tokens × channels.
    sequence: torch.Tensor
    #: 1 × channels, a tensor; None where the model has no such thing.
    pooled: Any = None
    #: True when the end of the text was not read.
    truncated: bool = False

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(it.nbytes for it in (self.sequence, self.pooled) if it is not None)


#: Gives the embedding kept under a key, or has it made.
Remember: TypeAlias = Callable[[Hashable, Callable[[], Embedding]], Embedding]


def forget(_: Hashable, make: Callable[[], Embedding]) -> Embedding:
    """For those who keep nothing."""
    return make()


class Texts(Protocol):
    """The texts that are known, by the state of the encoders."""

    def under(self, *state: Hashable) -> Remember: ...


class TextCache:
    """Of all models of an engine. Thread-safe; two who miss the same text at once both read it."""

    def __init__(self, mebibytes: int = DEFAULT_TEXT_CACHE_MEBIBYTES) -> None:
        """0 keeps nothing."""
        self._capacity = mebibytes * MEBIBYTE
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Embedding] = OrderedDict()
        self._size = 0

    @property
    def keeps(self) -> bool:
        """False where it is switched off."""
        return self._capacity > 0

    @property
    def size(self) -> int:
        """Bytes that are kept: at most the capacity."""
        return self._size

    def under(self, *state: Hashable) -> Remember:
        """The cache as it is seen with the encoders in one `state`: which ones, their precision,
        the LoRAs on them."""
        return lambda key, make: self._get((state, key), make)

    def _get(self, key: Hashable, make: Callable[[], Embedding]) -> Embedding:
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
                return known
        made = make()
        with self._lock:
            if key not in self._kept and made.size <= self._capacity:
                self._kept[key] = made
                self._size += made.size
                while self._size > self._capacity:
                    _, gone = self._kept.popitem(last=False)
                    self._size -= gone.size
        return made
