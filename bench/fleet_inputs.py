"""What the fleet's simulation is fed with: every figure with its unit and where it comes from.

`MEASURED` was measured or counted by this project, `DOCUMENTED` stands in a provider's pages (read
in November 2026; prices age fastest), `ASSUMED` is nobody's but ours and says why.
"""

from dataclasses import dataclass
from enum import StrEnum


class Origin(StrEnum):
    MEASURED = "measured"
    DOCUMENTED = "documented"
    ASSUMED = "assumed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    what: str
    value: float
    unit: str
    origin: Origin
    source: str


INPUTS: list[Input] = []


def _input(what: str, value: float, unit: str, origin: Origin, source: str) -> float:
    INPUTS.append(Input(what=what, value=value, unit=unit, origin=origin, source=source))
    return value


_M, _D, _A = Origin.MEASURED, Origin.DOCUMENTED, Origin.ASSUMED
_COUNTED = "counted by `bench.gpu_counting`"
_RUN = "Cloud Run, “About instance autoscaling”"
_RUNPOD = "RunPod, “Endpoint configurations”"
_HPA = "Kubernetes, “Horizontal Pod Autoscaling”, which CREMA's “Configuration” adopts"
_POOL = "Cloud Monitoring, “Google Cloud metrics”, `num_undelivered_messages`"

# The work ------------------------------------------------------------------------------------
PICTURE_TFLOP = _input(
    "a picture: SDXL 1024², 25 + 15 steps, decoded",
    567,
    "TFLOP",
    _M,
    _COUNTED,
)
FILM_TFLOP = _input(
    "a film: Wan2.1 1.3B, 832×480, 81 frames, 25 steps, decoded",
    14_435,
    "TFLOP",
    _M,
    _COUNTED,
)
L4_TFLOP_PER_SECOND = _input("an L4, bf16", 121, "TFLOP/s", _D, "NVIDIA's data sheet")
EFFICIENCY = _input(
    "of that in practice",
    0.53,
    "",
    _A,
    "what the best published SDXL figure on an A100 comes to (30 steps, 2.5 s)",
)
DISPATCH_SECONDS = _input(
    "created → at work, an idle worker there", 0.068, "s", _M, "“Until somebody is at work”, p50"
)
GAP_SECONDS = _input(
    "GPU idle between two jobs of a worker with one slot",
    0.36,
    "s",
    _A,
    "a 1024² PNG 0.16 s (measured), uploading it and claiming the next 0.2 s (assumed)",
)
RUNPOD_GAP_SECONDS = _input(
    "the same in RunPod's job loop", 0.4, "s", _M, "its SDK leaves 0.1 to 0.7 s"
)
BATCH_GAIN = _input(
    "pictures a second in a batch, against one by one",
    1.02,
    "×",
    _M,
    "a roofline of SDXL at 1024²: at most that",
)

# Starting ------------------------------------------------------------------------------------
PROVISION_SECONDS = _input(
    "an instance with an L4 and its driver", 5, "s", _D, "Cloud Run, “GPU support”"
)
IMPORT_SECONDS = _input("importing torch and diffusers", 6, "s", _A, "2 s on an idle core here")
PICTURE_GIGABYTES = _input(
    "SDXL base + refiner, bf16",
    11.5,
    "GB",
    _M,
    f"2 bytes a parameter, {_COUNTED}",
)
FILM_GIGABYTES = _input("Wan2.1 1.3B with its text encoder, bf16", 14.5, "GB", _M, "likewise")
READ_GIGABYTES_PER_SECOND = _input(
    "weights from the image onto the GPU", 1, "GB/s", _A, "not measured here"
)
WARM_UP_FRAMES = _input(
    "a worker warms up with a whole picture, or with so many frames of 81",
    17,
    "frames",
    _M,
    "`gpu_worker/engine/model.py`",
)

# Money ---------------------------------------------------------------------------------------
CLOUD_RUN_PRICE = _input(
    "Cloud Run: L4, 4 vCPU, 16 GiB, always allocated",
    0.0002907,
    "$/s",
    _D,
    "“Cloud Run pricing”: 0.0001867 + 4 × 0.000018 + 16 × 0.000002",
)
RUNPOD_FLEX_PRICE = _input(
    "RunPod flex worker, L4 (or A5000, 3090)", 0.00019, "$/s", _D, "RunPod, “Pricing”"
)
RUNPOD_ACTIVE_PRICE = _input("RunPod active worker", 0.00013, "$/s", _D, "the same")

# Scaling -------------------------------------------------------------------------------------
RUN_EVALUATES_SECONDS = _input("Cloud Run looks every", 5, "s", _D, _RUN)
RUN_TARGET = _input("– and aims at a use of", 0.6, "", _D, f"{_RUN}; over one minute")
RUN_WINDOW_SECONDS = _input("– over", 60, "s", _D, _RUN)
RUN_IDLE_SECONDS = _input("– and keeps an idle instance for", 900, "s", _D, _RUN)
METRIC_PERIOD_SECONDS = _input("the queue's length is sampled every", 60, "s", _D, _POOL)
METRIC_DELAY_SECONDS = _input(
    "– and can be seen after", 120, "s", _D, f"{_POOL}: “up to”; the worst is taken"
)
CREMA_POLL_SECONDS = _input("CREMA looks every", 15, "s", _A, "free to choose")
CREMA_TARGET = _input(
    "– and wants so many messages a worker", 1, "", _A, "unacknowledged: waiting or in work"
)
HPA_TOLERANCE = _input("– and lets be what is off by less than", 0.1, "", _D, _HPA)
HPA_GROWTH = _input("– at most times as many workers in 15 s", 2, "×", _D, f"{_HPA}; or 4 more")
HPA_STEP = _input("– or so many more", 4, "", _D, _HPA)
HPA_DOWN_SECONDS = _input("– and shrinks to the most that it wanted in", 300, "s", _D, _HPA)
RUNPOD_EVALUATES_SECONDS = _input("RunPod looks every", 1, "s", _A, "not documented")
RUNPOD_DELAY_SECONDS = _input("– queue delay, the default", 4, "s", _D, _RUNPOD)
RUNPOD_COUNT = _input(
    "– request count, for the fastest answer", 1, "", _D, f"{_RUNPOD}; its default is 4"
)
RUNPOD_IDLE_SECONDS = _input("– a flex worker stays idle for", 5, "s", _D, "RunPod, “Pricing”")

# Arrivals ------------------------------------------------------------------------------------
DAY_SWING = _input("a day's curve: its noon above the mean", 0.8, "", _A, "as far below at night")
BURST_FACTOR = _input("a burst: times the mean", 10.5, "×", _A, "0.5 × between them")
BURST_SECONDS = _input("– it lasts", 30, "s", _A, "a message to all users, say")
BURST_PERIOD_SECONDS = _input("– and comes every", 600, "s", _A, "the same")

PICTURE_SECONDS = PICTURE_TFLOP / L4_TFLOP_PER_SECOND / EFFICIENCY
FILM_SECONDS = FILM_TFLOP / L4_TFLOP_PER_SECOND / EFFICIENCY


def _cold_start(gigabytes: float, warm_up_seconds: float) -> float:
    loading = IMPORT_SECONDS + gigabytes / READ_GIGABYTES_PER_SECOND
    return PROVISION_SECONDS + loading + warm_up_seconds


#: Until a worker that is wanted takes a job.
PICTURE_COLD_START_SECONDS = _cold_start(PICTURE_GIGABYTES, PICTURE_SECONDS)
FILM_COLD_START_SECONDS = _cold_start(FILM_GIGABYTES, FILM_SECONDS * WARM_UP_FRAMES / 81)


def rows() -> list[list[str]]:
    """For the docs' table, one input a row."""
    return [[it.what, f"{it.value:g} {it.unit}".strip(), it.origin, it.source] for it in INPUTS]
