"""Whether and how people's devices are told that a generation has ended, as the environment says.

Off unless switched on. Credentials go to Google's own address only: the one of a double is taken on
the emulators alone, on this machine alone, and gets none. Everything raises `WrongSetting`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.errors import WrongSetting

SWITCH = "EMBERFRAME_NOTIFICATIONS"
TEXTS_VARIABLE = "EMBERFRAME_NOTIFICATION_TEXTS"
IMAGES_VARIABLE = "EMBERFRAME_NOTIFICATION_IMAGES"
#: host:port of what speaks FCM's API for the tests; Google's emulators have none.
DOUBLE_VARIABLE = "EMBERFRAME_FCM_EMULATOR_HOST"
#: Set wherever the database is an emulator.
EMULATED_VARIABLE = "FIRESTORE_EMULATOR_HOST"
HERE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """How a notification says it."""

    #: Devices look the texts up in their own language; an app that lacks them shows none.
    by_key: bool
    #: Completed ones show their thumbnail.
    images: bool


def is_on(environment: Mapping[str, str]) -> bool:
    """Whether devices are told at all. A variable that is set to nothing counts as not set."""
    return _choice(environment, SWITCH, "off", "on")


def wording_from(environment: Mapping[str, str]) -> Wording:
    return Wording(
        by_key=_choice(environment, TEXTS_VARIABLE, "plain", "keys"),
        images=_choice(environment, IMAGES_VARIABLE, "off", "on"),
    )


def double_from(environment: Mapping[str, str]) -> str | None:
    """Where the double of FCM is, as `http://host:port`; None: it is Google's own that is meant."""
    host = environment.get(DOUBLE_VARIABLE) or ""
    emulated = environment.get(EMULATED_VARIABLE) or ""
    if not emulated:
        if host:
            raise WrongSetting(
                f"{DOUBLE_VARIABLE} is {host!r}; it must not be set where {EMULATED_VARIABLE} is "
                "not: notifications go to Google then"
            )
        return None
    if not host:
        raise WrongSetting(
            f"{DOUBLE_VARIABLE} is not set; on the emulators, which have no FCM, it must be the "
            f"host:port of a double, or {SWITCH} off"
        )
    url = f"http://{host}"
    if not _is_here(url):
        raise WrongSetting(f"{DOUBLE_VARIABLE} is {host!r}; it must be host:port on this machine")
    return url


def _is_here(url: str) -> bool:
    try:
        parts = urlsplit(url)
        whole = parts.port is not None and parts.netloc == url.removeprefix("http://")
    except ValueError:
        return False
    return whole and parts.hostname in HERE and "@" not in parts.netloc


def _choice(environment: Mapping[str, str], name: str, default: str, other: str) -> bool:
    """Whether it is the `other`."""
    value = environment.get(name) or default
    if value not in (default, other):
        raise WrongSetting(f"{name} is {value!r}; it must be {default} or {other}")
    return value == other
