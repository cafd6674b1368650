"""Compares what people's usage says with what their generations do: the difference is drift.

A day's credits must be those of its generations that completed or are in the making; the places
taken must be those in the making. Pure.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from shared.charge import Charge, ChargeState
from shared.paths import GenerationPath
from shared.status import Status
from shared.usage import KEPT_DAYS

#: Whose charge may be in which state.
FITTING: Mapping[Status, ChargeState] = {
    Status.QUEUED: ChargeState.RESERVED,
    Status.PROCESSING: ChargeState.RESERVED,
    Status.COMPLETED: ChargeState.SPENT,
    Status.FAILED: ChargeState.REFUNDED,
    Status.CANCELLED: ChargeState.REFUNDED,
}
NOTHING: Mapping[str, Any] = {"spent": {}, "reserved": {}}


def drift(
    usage: Mapping[str, Mapping[str, Any]], generations: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """What does not fit, a sentence for each. Both are by path; `generations` are all there are."""
    owned: dict[str, dict[GenerationPath, Mapping[str, Any]]] = {path: {} for path in usage}
    for text, data in generations.items():
        path = GenerationPath.parse(text)
        owned.setdefault(path.usage, {})[path] = data
    return [
        fault
        for path, theirs in owned.items()
        for fault in _of_one(path, usage.get(path, NOTHING), theirs)
    ]


def oldest_day(usage: Mapping[str, Any]) -> str:
    """Of which `spent` is sure to tell; earlier ones were forgotten, or are on their way to be."""
    newest = max(usage["spent"], default=None)
    if newest is None:
        return ""
    return (date.fromisoformat(newest) - timedelta(days=KEPT_DAYS - 1)).isoformat()


def _of_one(
    usage_path: str,
    usage: Mapping[str, Any],
    generations: Mapping[GenerationPath, Mapping[str, Any]],
) -> Iterator[str]:
    credits_, places = Counter[str](), {}
    for path, data in generations.items():
        charge = Charge.from_document(data.get("charge"))
        if charge is None:
            continue
        if charge.state is not FITTING.get(Status(data["status"])):
            yield f"{path} is {data['status']}, and its charge is {charge.state}"
        if charge.state is not ChargeState.REFUNDED:
            credits_[charge.day] += charge.credits
        if charge.held:
            places[path.generation_id] = {"credits": charge.credits, "day": charge.day}
    oldest = oldest_day(usage)
    spent = {day: amount for day, amount in usage["spent"].items() if amount and day >= oldest}
    cost = {day: amount for day, amount in credits_.items() if day >= oldest}
    if spent != cost:
        yield f"{usage_path} says that {spent} is spent; it is {cost}"
    if usage["reserved"] != places:
        yield f"{usage_path} says that {usage['reserved']} is reserved; it is {places}"
