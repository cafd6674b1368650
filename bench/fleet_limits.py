"""Which limits of Firestore, Pub/Sub, Storage and the GPU platforms are met first, at what rate.

Each is a division: what a service takes, by what one picture asks of it (`bench.fleet_writes`).
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

from bench import fleet_inputs as given
from bench.fleet_writes import Cost, count
from bench.report import write_section

REQUEST = {"prompt": "a red circle on a blue background"}
#: Evaluations of base and refiner that the request's defaults come to; each is told.
PICTURE_REPORTS = 25 + 15
#: Quotas count a message as a kilobyte at least.
LEAST_MESSAGE_BYTES = 1000
#: "500/50/5": a collection's traffic begins with so many operations a second and grows by half
#: every five minutes.
RAMP_OPERATIONS, RAMP_FACTOR, RAMP_MINUTES = 500, 1.5, 5
RATES = (100, 10_000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    what: str
    source: str
    #: A second.
    allowed: float
    #: Of that, what one picture takes.
    a_picture: float
    unit: str
    then: str

    @property
    def pictures_a_minute(self) -> float:
        return self.allowed / self.a_picture * 60

    def row(self) -> list[str]:
        return [
            self.what,
            f"{_plain(self.allowed)} {self.unit}",
            _plain(self.a_picture),
            _plain(self.pictures_a_minute),
            self.then,
        ]


def picture_cost() -> Cost:
    return count(REQUEST).with_progress(given.PICTURE_SECONDS, PICTURE_REPORTS)


def limits(cost: Cost) -> list[Limit]:
    """The first to be met comes first."""
    found = [
        Limit(
            what="Cloud Run: 3 L4 GPUs a region without asking",
            source="Cloud Run, “GPU support”",
            allowed=3,
            a_picture=given.PICTURE_SECONDS,
            unit="GPU s/s",
            then="ask for more; the queue waits, nothing is lost",
        ),
        Limit(
            what="RunPod: 80 $ an hour without asking",
            source="RunPod, “Pricing”",
            allowed=80 / 3600,
            a_picture=given.PICTURE_SECONDS * given.RUNPOD_FLEX_PRICE,
            unit="$/s",
            then="the same",
        ),
        Limit(
            what="Firestore: entries of the index by `status`, `lease.expires_at`",
            source="Firestore, “Best practices”: 500 a second where values only grow",
            allowed=500,
            a_picture=cost.lease_writes,
            unit="writes/s",
            then="only the claim, a heartbeat and the end move it; progress does not",
        ),
        Limit(
            what="Firestore: writes before the traffic has to grow slowly",
            source="Firestore, “Best practices”: 500/50/5",
            allowed=RAMP_OPERATIONS,
            a_picture=cost.generation_writes + cost.usage_writes,
            unit="writes/s",
            then="the queue holds a burst back; writes are retried with jitter",
        ),
        Limit(
            what="Firestore: entries of the indexes by `created_at`, `started_at`, `completed_at`",
            source="Firestore, “Best practices”: 500 a second where values only grow",
            allowed=500,
            a_picture=1,
            unit="writes/s",
            then="one entry a picture each; `input`, `progress`, `output` and most times have none",
        ),
        Limit(
            what="Storage: new objects in a bucket, at first",
            source="Cloud Storage, “Request rate and access distribution guidelines”",
            allowed=1000,
            a_picture=cost.objects,
            unit="writes/s",
            then="names begin with the user's id, so that Storage can divide it as it grows",
        ),
        Limit(
            what="Pub/Sub: published, in a small region",
            source="Pub/Sub, “Quotas and limits”",
            allowed=50e6,
            a_picture=max(LEAST_MESSAGE_BYTES, cost.message_bytes) * cost.messages,
            unit="B/s",
            then="a message has ids only",
        ),
    ]
    return sorted(found, key=lambda it: it.pictures_a_minute)


def ramp_minutes(cost: Cost, pictures_a_minute: float) -> float:
    """How long traffic must grow from the first 500 operations a second; 0 if it is below."""
    writes = (cost.generation_writes + cost.usage_writes) * pictures_a_minute / 60
    steps = math.log(writes / RAMP_OPERATIONS, RAMP_FACTOR)
    return max(0, math.ceil(steps)) * RAMP_MINUTES


def write() -> dict[str, Any]:
    """The tables of the docs; returns the same for the JSON."""
    cost = picture_cost()
    write_section(
        "fleet-writes",
        [f"one picture of {given.PICTURE_SECONDS:.1f} s on the GPU", ""],
        [
            ["writes of its document", str(cost.generation_writes)],
            ["– of them, that move its lease", str(cost.lease_writes)],
            ["writes of its owner's usage", str(cost.usage_writes)],
            ["reads by functions and worker", str(cost.reads)],
            ["messages", f"{cost.messages} of {cost.message_bytes} bytes"],
            ["objects in Storage", str(cost.objects)],
        ],
        how="Counted",
    )
    found = limits(cost)
    write_section(
        "fleet-limits",
        ["limit", "", "a picture takes", "met at pictures a minute", "what happens"],
        [it.row() for it in found],
        how="Counted",
    )
    return {
        "picture": asdict(cost),
        "limits": [
            {**asdict(it), "pictures_a_minute": round(it.pictures_a_minute)} for it in found
        ],
        "ramp_minutes": {rate: ramp_minutes(cost, rate) for rate in RATES},
    }


def _plain(value: float) -> str:
    """To two digits, in groups of three."""
    digits = 1 - math.floor(math.log10(value))
    rounded = round(value, digits)
    return f"{rounded:.{digits}f}" if digits > 0 else f"{rounded:,.0f}".replace(",", " ")
