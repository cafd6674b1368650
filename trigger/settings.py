"""What people may ask for and have, as the functions' environment says.

A variable that is set to nothing counts as not set. Everything raises `WrongSetting`.
"""

from collections.abc import Mapping

from shared.admission import Admission
from shared.blocked_terms import BlockedTerms
from shared.charge import MAX_CREDITS
from shared.errors import WrongSetting
from shared.request import DEFAULT_MAX_IMAGES, MAX_IMAGES
from shared.usage import CONCURRENT, DAILY_CREDITS, MAX_CONCURRENT, Limits

SWITCH = "EMBERFRAME_QUOTAS"
CONCURRENT_VARIABLE = "EMBERFRAME_CONCURRENT_GENERATIONS"
DAILY_VARIABLE = "EMBERFRAME_DAILY_CREDITS"
#: The workers read these two as well; all have to be told the same.
IMAGES_VARIABLE = "EMBERFRAME_MAX_IMAGES"
TERMS_VARIABLE = "EMBERFRAME_BLOCKED_TERMS"


def admission_from(environment: Mapping[str, str]) -> Admission:
    """What requests are taken."""
    try:
        prompts = BlockedTerms.parse(environment.get(TERMS_VARIABLE))
    except ValueError as fault:
        raise WrongSetting(f"{TERMS_VARIABLE}: {fault}") from None
    most = _number(environment, IMAGES_VARIABLE, DEFAULT_MAX_IMAGES, MAX_IMAGES)
    return Admission(max_images=most, prompts=prompts)


def limits_from(environment: Mapping[str, str]) -> Limits | None:
    """None when quotas are off."""
    switch = environment.get(SWITCH) or "on"
    if switch not in ("on", "off"):
        raise WrongSetting(f"{SWITCH} is {switch!r}; it must be on or off")
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
        raise WrongSetting(f"{name} is {text!r}; it must be a whole number from 1 to {most}")
    return value
