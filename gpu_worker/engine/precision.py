"""In which precision the engine computes. Free of torch: the settings know these names too."""

from enum import StrEnum

from shared.errors import ErrorCode, GenerationError


class Precision(StrEnum):
    """Of weights and intermediate results. AUTO is the fastest that the device is good at."""

    AUTO = "auto"
    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"


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
