"""Reads weight files into the page cache while the libraries are imported, several at once.

Importing takes seconds of one core and no disk; loading maps the files and waits for them one page
fault after the other. Bounds: READERS threads with a buffer each; no more bytes than there is
memory for, since pages read too early would push out pages not yet used. Reading ahead is a hint: a
file that cannot be read is left for the loader to complain of.
"""

import contextlib
import logging
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from gpu_worker.engine.specs import INDEX_FILE, FolderSource, HubSource, Source

LOG = logging.getLogger(__name__)

#: One alone leaves a network disk or an object store idle between its answers.
READERS = 4
#: At a time: long enough that disks read in order, short enough that stopping is prompt.
BLOCK_BYTES = 8 * 2**20
#: Of the free memory: the rest is for the process that loads them.
MEMORY_SHARE = 0.5
WEIGHTS = ".safetensors"
#: Of the container, cgroup v2: bytes, or `max`.
CGROUP_MEMORY = Path("/sys/fs/cgroup")
MEMORY_INFO = Path("/proc/meminfo")


class WeightReading:
    """Reads `files` in their order, in threads of its own, from `start` on until `stop`."""

    def __init__(self, files: Iterable[Path], *, budget_bytes: int) -> None:
        self._files = iter(tuple(files))
        self._budget = budget_bytes
        self._next_file = threading.Lock()
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._read_files, name="read ahead", daemon=True)
            for _ in range(READERS)
        ]
        #: How many were read; complete after `wait`.
        self.bytes_read = 0

    def start(self) -> "WeightReading":
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """The models are loaded: what was not read yet is not needed. Does not wait."""
        self._stopped.set()

    def wait(self) -> None:
        """Until all is read, or the budget spent, or it was stopped."""
        for thread in self._threads:
            thread.join()

    def _read_files(self) -> None:
        buffer = bytearray(BLOCK_BYTES)
        while (file := self._take()) is not None:
            try:
                self._read(file, buffer)
            except OSError as error:
                LOG.info("%s is not read ahead: %s", file, error.strerror)

    def _take(self) -> Path | None:
        with self._next_file:
            return None if self._stopped.is_set() else next(self._files, None)

    def _read(self, file: Path, buffer: bytearray) -> None:
        # Unbuffered: Python would copy each block once more.
        with file.open("rb", buffering=0) as stream:
            while not self._stopped.is_set() and self._grant():
                count = stream.readinto(buffer)
                if not count:
                    return
                with self._next_file:
                    self.bytes_read += count

    def _grant(self) -> bool:
        with self._next_file:
            return self.bytes_read + BLOCK_BYTES <= self._budget


def read_ahead(*sources: Source) -> WeightReading:
    """Begin to read the weights of those `sources` that lie on this machine, the first ones first;
    a model of the hub lies in its cache from the second start on."""
    folders = [folder for it in sources for folder in _folders(it)]
    files = [file for folder, variant in folders for file in weight_files(folder, variant)]
    return WeightReading(files, budget_bytes=int(MEMORY_SHARE * free_memory_bytes())).start()


def weight_files(folder: Path, variant: str | None) -> Iterator[Path]:
    """Those of the checkpoint in `folder` that loading opens, of that variant, in a fixed order."""
    is_pipeline = (folder / INDEX_FILE).is_file()
    for file in sorted(folder.glob(f"*/*{WEIGHTS}" if is_pipeline else f"*{WEIGHTS}")):
        marked = f".{variant}" if variant else ""
        before_shard = file.name.removesuffix(WEIGHTS).partition("-0")[0]
        if before_shard.partition(".")[2] == marked.removeprefix("."):
            yield file


def free_memory_bytes(memory_info: Path = MEMORY_INFO, cgroup: Path = CGROUP_MEMORY) -> int:
    """What this process may still fill: of the machine, and of its container if that has less."""
    available = next(
        int(line.split()[1]) * 1024
        for line in memory_info.read_text().splitlines()
        if line.startswith("MemAvailable:")
    )
    with contextlib.suppress(OSError, ValueError):  # no container, no limit, or an older kernel
        limit = int((cgroup / "memory.max").read_text())
        used = int((cgroup / "memory.current").read_text())
        available = min(available, max(limit - used, 0))
    return available


def _folders(source: Source) -> Iterator[tuple[Path, str | None]]:
    match source:
        case FolderSource(folder=folder, variant=variant):
            yield folder, variant
        case HubSource(repository=repository, revision=revision, variant=variant):
            # Only its constants: the environment says where the cache is, and it knows best how.
            from huggingface_hub.constants import HF_HUB_CACHE  # noqa: PLC0415

            name = "models--" + repository.replace("/", "--")
            yield Path(HF_HUB_CACHE) / name / "snapshots" / revision, variant
