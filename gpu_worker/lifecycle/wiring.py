"""What the lifecycle is wired to: ports and numbers, chosen once in `__main__` or in a test."""

from concurrent.futures import Executor
from dataclasses import dataclass, field

from gpu_worker.lifecycle.keeper import FIRST_WRITE_SECONDS
from gpu_worker.loras import Loras
from gpu_worker.media.film_codec import FilmOptions
from gpu_worker.ports import Engine, InputImages
from gpu_worker.tally import Tally
from gpu_worker.time_limits import TimeLimits
from shared.admission import DEFAULT_ADMISSION, Admission
from shared.clock import Clock
from shared.lease import HEARTBEAT_SECONDS, LEASE_SECONDS
from shared.ports import DocumentStore, DocumentWatcher, ObjectStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Wiring:
    documents: DocumentStore
    watcher: DocumentWatcher
    objects: ObjectStore
    engine: Engine
    #: Where requests' input images lie.
    inputs: InputImages
    #: What requests' LoRAs may be.
    loras: Loras = field(default_factory=Loras)
    #: Compresses and uploads files off the engine's path.
    threads: Executor
    clock: Clock
    #: Unique to this process: the lease's holder.
    worker_id: str
    #: What this deployment takes.
    admission: Admission = DEFAULT_ADMISSION
    #: Write a generation's parameters, the prompt among them, into its files.
    embed_metadata: bool = True
    films: FilmOptions = field(default_factory=FilmOptions)
    #: How long the engine may work on one generation.
    time_limits: TimeLimits = field(default_factory=TimeLimits)
    #: Of what was made.
    tally: Tally = field(default_factory=Tally)
    lease_seconds: float = LEASE_SECONDS
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    #: From the claim to the first progress that is written.
    first_write_seconds: float = FIRST_WRITE_SECONDS
