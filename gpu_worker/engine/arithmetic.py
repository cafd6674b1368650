"""How the engine computes: in which precision, and whether the same request gives the same bytes.

Free of torch until `fix_results` and `results_are_fixed` are called.
"""

import os
from enum import StrEnum

from shared.errors import ErrorCode, GenerationError


class Precision(StrEnum):
    """Of weights and intermediate results. AUTO is the fastest that the device is good at."""

    AUTO = "auto"
    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"


#: cuBLAS may add up in another order in each run unless its work space is fixed in size; it reads
#: this once, before its first use.
CUBLAS_WORKSPACE = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def choose_precision(wanted: Precision, *, gpu: bool, has_bf16: bool) -> Precision:
    """What `wanted` is on this device. Raises `GenerationError` when the device lacks it.

    bf16 has fp32's range; fp16 has not, but old GPUs lack bf16. On a CPU fp16 was measured 13 times
    slower than fp32.
    """
    if wanted is Precision.AUTO:
        if not gpu:
            return Precision.FP32
        return Precision.BF16 if has_bf16 else Precision.FP16
    if wanted is Precision.BF16 and gpu and not has_bf16:
        raise GenerationError(
            ErrorCode.INTERNAL,
            "The precision is bf16, which this GPU does not have; it must be auto, fp16 or fp32.",
        )
    return wanted


def prepare_fixed_results() -> None:
    """The part of `fix_results` that comes before torch is imported."""
    name, value = CUBLAS_WORKSPACE
    os.environ[name] = value


def fix_results() -> None:
    """Same request, same bytes, for the rest of the process; call before anything is computed.

    Where torch has no way of keeping that promise, it raises instead of breaking it.
    """
    import torch  # noqa: PLC0415 - see the module's text

    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False  # it would choose another kernel in another run
    # Not a matter of chance, but of the GPU's generation: fp32 then means fp32 on all of them.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def results_are_fixed() -> bool:
    """Read off torch's own switches, all of them."""
    import torch  # noqa: PLC0415

    name, value = CUBLAS_WORKSPACE
    return (
        torch.are_deterministic_algorithms_enabled()
        and not torch.is_deterministic_algorithms_warn_only_enabled()
        and torch.backends.cudnn.deterministic
        and not torch.backends.cudnn.benchmark
        and not torch.backends.cudnn.allow_tf32
        and not torch.backends.cuda.matmul.allow_tf32
        and os.environ.get(name) == value
    )
