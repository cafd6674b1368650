"""What people may have, as the deployment's environment says."""

from collections.abc import Mapping

from shared.charge import MAX_CREDITS
from shared.usage import CONCURRENT, DAILY_CREDITS, MAX_CONCURRENT, Limits

SWITCH = "EMBERFRAME_QUOTAS"
CONCURRENT_VARIABLE = "EMBERFRAME_CONCURRENT_GENERATIONS"
DAILY_VARIABLE = "EMBERFRAME_DAILY_CREDITS"


def limits_from(environment: Mapping[str, str]) -> Limits | None:
    """None when quotas are off. A variable that is set to nothing counts as not set.

    Raises `ValueError` with variable, value and what it must be.
    """
    switch = environment.get(SWITCH) or "on"
    if switch not in ("on", "off"):
        raise ValueError(f"{SWITCH} is {switch!r}; it must be on or off")
    limits = Limits(
        concurrent=_number(environment, CONCURRENT_VARIABLE, CONCURRENT, MAX_CONCURRENT),
        daily_credits=_number(environment, DAILY_VARIABLE, DAILY_CREDITS, MAX_CREDITS),
    )
    return limits if switch == "on" else None


def _number(environment: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = environment.get(name) or str(default)
    # Not int() alone, which takes " 1_0 " too.
    value = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= value <= most:
        raise ValueError(f"{name} is {text!r}; it must be a whole number from 1 to {most}")
    return value
