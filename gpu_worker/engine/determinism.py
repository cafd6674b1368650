"""Fixed results: the same request gives the same bytes, on the same device with the same versions.

Imports torch within its functions only, since `prepare_fixed_results` has to come before that.
"""

import os

#: cuBLAS may add up in another order in each run unless its work space is fixed in size; it reads
#: this once, before its first use.
CUBLAS_WORKSPACE = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def prepare_fixed_results() -> None:
    """The part of `fix_results` that comes before torch is imported."""
    name, value = CUBLAS_WORKSPACE
    os.environ[name] = value


def fix_results() -> None:
    """Same request, same bytes, for the rest of the process; call before anything is computed.

    Where torch has no way of keeping that promise, it raises instead of breaking it.
    """
    import torch  # noqa: PLC0415

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
