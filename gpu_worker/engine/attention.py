"""Which of torch's attention kernels a model runs on, tried out on this device at the start.

What is tried are the model's own calls, as they were seen while it warmed up: each kernel that the
device has takes them a few times, and only those stay that agree with plain arithmetic. The fastest
comes first from then on, and the others after it, for calls that it cannot do. So that the trial is
made once, its outcome can be kept in a file.
"""

import logging
import statistics
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from gpu_worker.engine.device import Device, wait_for
from gpu_worker.engine.speed_options import Attention

LOG = logging.getLogger(__name__)

KERNELS = {
    Attention.CUDNN: SDPBackend.CUDNN_ATTENTION,
    Attention.FLASH: SDPBackend.FLASH_ATTENTION,
    Attention.EFFICIENT: SDPBackend.EFFICIENT_ATTENTION,
    Attention.MATH: SDPBackend.MATH,
}
#: Of the function that they are behind, in their order; and of a query's shape.
ARGUMENTS = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
SHAPE = ("rows", "heads", "tokens", "channels")
#: Of a model's calls, those that cost the most.
MOST_SHAPES = 4
ROUNDS = 5
#: Plain arithmetic writes all scores down; beyond so many it is no candidate. 1 GB in fp32.
MOST_SCORES = 2**28
#: Heads, and tokens of either kind, of what is compared with plain arithmetic in fp32.
COMPARED = (2, 1024)
#: Of the root mean square, in roundings of the precision: a wrong kernel is off by all of it.
MOST_ROUNDINGS = 8


@dataclass(frozen=True, order=True, slots=True)
class Shape:
    """One call without a mask: of queries, and of the keys and values that they look at."""

    rows: int
    heads: int
    queries: int
    keys: int
    channels: int

    @property
    def scores(self) -> int:
        return self.rows * self.heads * self.queries * self.keys


#: How often a model makes each call.
Calls = Mapping[Shape, int]
#: Seconds of a model's calls by each kernel that can be used, the fastest first.
Ranking = dict[Attention, float]


class _Watch(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[Shape] = Counter()

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if function is torch.nn.functional.scaled_dot_product_attention:
            self._note(dict(zip(ARGUMENTS, args, strict=False)) | kwargs)
        return function(*args, **kwargs)

    def _note(self, given: Mapping[str, Any]) -> None:
        """Texts' calls have masks; they are few and short."""
        if any(given.get(name) for name in ("dropout_p", "is_causal")):
            return
        if given.get("attn_mask") is None and given["query"].dim() == len(SHAPE):
            rows, heads, queries, channels = given["query"].shape
            self.calls[Shape(rows, heads, queries, given["key"].shape[-2], channels)] += 1


@contextmanager
def watched_calls() -> Iterator[Counter[Shape]]:
    """What is called within it."""
    watch = _Watch()
    with watch:
        yield watch.calls


def rank(calls: Calls, device: Device, kernels: Sequence[Attention] = tuple(KERNELS)) -> Ranking:
    """Try `kernels` on what costs most of `calls`; those that cannot do any of it are left out.

    A kernel that cannot do one of the calls is given the slowest other's seconds for it.
    """
    dearest = sorted(calls, key=lambda it: calls[it] * it.scores * it.channels)[-MOST_SHAPES:]
    taken = {
        kernel: [_time(kernel, shape, device) for shape in dearest]
        for kernel in kernels
        if all(_agrees(kernel, shape, device) for shape in dearest)
    }
    able = {kernel: seconds for kernel, seconds in taken.items() if any(seconds)}
    totals = dict.fromkeys(able, 0.0)
    for index, shape in enumerate(dearest):
        slowest = max((seconds[index] or 0.0 for seconds in able.values()), default=0.0)
        for kernel, seconds in able.items():
            totals[kernel] += calls[shape] * (seconds[index] or slowest)
    return dict(sorted(totals.items(), key=lambda it: it[1]))


class AttentionOrder:
    """The order in which torch looks for a kernel, for the whole process."""

    def __init__(self) -> None:
        self._order: tuple[Attention, ...] | None = None
        self._entered: Any = None

    def use(self, order: Sequence[Attention]) -> None:
        """From now on; those that `order` leaves out come last. Nothing: as torch has it."""
        wanted = tuple(order)
        if wanted == self._order or (not wanted and self._order is None):
            return
        if self._entered is not None:
            self._entered.__exit__(None, None, None)
            self._entered = None
        if wanted:
            rest = [it for it in KERNELS if it not in wanted]
            kernels = [KERNELS[it] for it in (*wanted, *rest)]
            self._entered = sdpa_kernel(kernels, set_priority=True)
            self._entered.__enter__()
        self._order = wanted


def _agrees(kernel: Attention, shape: Shape, device: Device) -> bool:
    """True, too, where it cannot do this at all: then it is never asked for it."""
    most_heads, most_tokens = COMPARED
    small = Shape(
        1,
        min(shape.heads, most_heads),
        min(shape.queries, most_tokens),
        min(shape.keys, most_tokens),
        shape.channels,
    )
    inputs = _inputs(small, device)
    exact = _attend(Attention.MATH, [it.float() for it in inputs])
    try:
        found = _attend(kernel, inputs).float()
    except RuntimeError:
        return True
    error = float((found - exact).square().mean().sqrt() / exact.square().mean().sqrt())
    agrees = error <= MOST_ROUNDINGS * torch.finfo(device.dtype).eps
    if not agrees:
        LOG.warning("attention: %s is off by %.2g of %s; it is not used", kernel, error, shape)
    return agrees


def _time(kernel: Attention, shape: Shape, device: Device) -> float | None:
    """Seconds of one call; None if it cannot be done."""
    if kernel is Attention.MATH and shape.scores > MOST_SCORES:
        return None
    try:
        inputs = _inputs(shape, device)
        _attend(kernel, inputs)
        return statistics.median(
            _seconds(lambda: _attend(kernel, inputs), device) for _ in range(ROUNDS)
        )
    except RuntimeError:  # torch's for "no such kernel" and for "no memory"
        return None


def _seconds(call: Callable[[], Any], device: Device) -> float:
    wait_for(device)
    began = time.perf_counter()
    call()
    wait_for(device)
    return time.perf_counter() - began


@torch.no_grad()
def _attend(kernel: Attention, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
    query, key, value = inputs
    with warnings.catch_warnings(), sdpa_kernel(KERNELS[kernel]):
        # A kernel that cannot do something says why, once for each of the others too.
        warnings.simplefilter("ignore")
        return torch.nn.functional.scaled_dot_product_attention(query, key, value)


def _inputs(shape: Shape, device: Device) -> list[torch.Tensor]:
    generator = torch.Generator("cpu").manual_seed(0)
    return [
        # One head's numbers for all: they decide nothing, and drawing them on a CPU takes long.
        torch.randn((1, 1, tokens, shape.channels), generator=generator)
        .to(device.torch_device, device.dtype)
        .repeat(shape.rows, shape.heads, 1, 1)
        for tokens in (shape.queries, shape.keys, shape.keys)
    ]
