"""Google's signing certificates by key id, fetched when needed and kept as long as they may be.

Keys rotate: an unknown id has them fetched anew, but no more often than every REFETCH_SECONDS, so
that strangers who invent ids cannot make us ask for each. While the source is away, old ones serve
on for MAX_STALE_SECONDS.
"""

import logging
import re
import threading
from collections.abc import Mapping

import requests

from shared.clock import Clock
from shared.ports import Unavailable

log = logging.getLogger(__name__)

#: Google's own, as X.509 certificates.
GOOGLE_CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
REQUEST_SECONDS = 5.0
REFETCH_SECONDS = 30.0
#: What `max-age` may say, and what it is taken for where it says nothing.
MIN_AGE_SECONDS, MAX_AGE_SECONDS, USUAL_AGE_SECONDS = 60.0, 86_400.0, 3600.0
#: Google announces a key days before it signs, and withdraws it as slowly.
MAX_STALE_SECONDS = 86_400.0
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})", re.IGNORECASE)


class SigningKeys:
    """Thread-safe; one request at a time."""

    def __init__(self, clock: Clock, url: str = GOOGLE_CERTS_URL) -> None:
        """`url` answers with a JSON object: key id → certificate, PEM."""
        self._clock = clock
        self._url = url
        self._lock = threading.Lock()
        self._certificates: Mapping[str, str] = {}
        #: On the monotonic clock.
        self._fetched_at = self._tried_at = self._fresh_until = -MAX_STALE_SECONDS

    def certificate(self, key_id: str) -> str | None:
        """PEM; None when there is no such key. Raises `Unavailable`."""
        with self._lock:
            now = self._clock.monotonic()
            stale = now >= self._fresh_until
            if (stale or key_id not in self._certificates) and self._may_ask(now):
                self._ask(now)
            if now - self._fetched_at > MAX_STALE_SECONDS:
                raise Unavailable("the signing keys")
            return self._certificates.get(key_id)

    def _may_ask(self, now: float) -> bool:
        return now - self._tried_at >= REFETCH_SECONDS

    def _ask(self, now: float) -> None:
        """Keeps what is there if nothing better comes."""
        self._tried_at = now
        try:
            answer = requests.get(self._url, timeout=REQUEST_SECONDS, allow_redirects=False)
            answer.raise_for_status()
            found = answer.json()
        except requests.RequestException as error:  # what is no JSON raises one too
            self._tell(now, type(error).__name__)
            return
        if answer.status_code != requests.codes.ok or not _are_certificates(found):
            self._tell(now, "none were among what it answered")
            return
        said = _MAX_AGE.search(answer.headers.get("cache-control", ""))
        age = float(said[1]) if said else USUAL_AGE_SECONDS
        self._certificates = found
        self._fetched_at = now
        self._fresh_until = now + min(max(age, MIN_AGE_SECONDS), MAX_AGE_SECONDS)

    def _tell(self, now: float, why: str) -> None:
        # A day before anything fails: afterwards nobody gets in.
        left = max(0, round(self._fetched_at + MAX_STALE_SECONDS - now))
        fields = {"error": why, "seconds_left": left}
        log.warning("the signing keys cannot be fetched", extra={"fields": fields})


def _are_certificates(found: object) -> bool:
    return (
        isinstance(found, dict)
        and bool(found)
        and all(isinstance(it, str) for pair in found.items() for it in pair)
    )
