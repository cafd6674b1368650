"""Which device the model runs on, in which precision, with how many threads; and how full it is."""

import gc
import math
import os
from dataclasses import dataclass
from pathlib import Path

import torch

from gpu_worker.engine.precision import Precision, choose_precision

#: Linux, cgroup v2: "quota period" in microseconds, or "max period".
CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")


DTYPES = {
    Precision.FP32: torch.float32,
    Precision.FP16: torch.float16,
    Precision.BF16: torch.bfloat16,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    torch_device: torch.device
    precision: Precision
    #: As its maker writes it.
    name: str

    @property
    def is_gpu(self) -> bool:
        return self.torch_device.type == "cuda"

    @property
    def dtype(self) -> torch.dtype:
        return DTYPES[self.precision]


def choose_device(wanted: Precision = Precision.AUTO) -> Device:
    """The first GPU, else the CPU. Raises `GenerationError` when it lacks the precision."""
    if torch.cuda.is_available():
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return Device(
            torch_device=torch.device("cuda", 0),
            precision=choose_precision(wanted, gpu=True, has_bf16=bf16),
            name=torch.cuda.get_device_name(0),
        )
    return Device(
        torch_device=torch.device("cpu"),
        precision=choose_precision(wanted, gpu=False, has_bf16=True),
        name=_cpu_name(),
    )


def limit_threads(wanted: int | None) -> None:
    """Give torch `wanted` threads, or as many as this process may run at once, if those are fewer.

    Left alone, torch counts the machine's cores, of which a container may have a few only.
    """
    threads = usable_cores(len(os.sched_getaffinity(0)), CGROUP_QUOTA)
    torch.set_num_threads(threads if wanted is None else min(wanted, threads))


def usable_cores(cores: int, quota: Path) -> int:
    """`cores`, or the container's share of them rounded up. `quota` need not exist."""
    allowed, _, period = quota.read_text().partition(" ") if quota.exists() else ("max", "", "")
    return cores if allowed == "max" else min(cores, math.ceil(int(allowed) / int(period)))


def wait_for(device: Device) -> None:
    """Return once the device has done what it was given: a stage's seconds are its own then."""
    if device.is_gpu:
        torch.cuda.synchronize(device.torch_device)


def clean_up(device: Device) -> bool:
    """Free what nobody refers to. False when the device is unusable for the rest of this process.

    That is how CUDA answers every call after an illegal access: only a new process helps.
    """
    gc.collect()
    try:
        wait_for(device)
        if device.is_gpu:
            torch.cuda.empty_cache()
    except RuntimeError:
        return False
    return True


def memory_in_use(device: Device) -> dict[str, int]:
    """Bytes: of main memory, and of the GPU's where there is one."""
    resident_pages = int(Path("/proc/self/statm").read_text().split()[1])
    memory = {"resident_bytes": resident_pages * os.sysconf("SC_PAGE_SIZE")}
    if device.is_gpu:
        free, total = torch.cuda.mem_get_info(device.torch_device)
        memory |= {"gpu_used_bytes": total - free, "gpu_total_bytes": total}
    return memory


def free_memory(device: Device) -> int:
    """Bytes of a GPU that can still be taken, those among them that torch keeps for itself."""
    free, _ = torch.cuda.mem_get_info(device.torch_device)
    kept = torch.cuda.memory_reserved(device.torch_device)
    return free + kept - torch.cuda.memory_allocated(device.torch_device)


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return os.uname().machine
