"""Fetches an image from a host that the operator allows: https, public addresses, bounded all over.

A redirect is judged like a first address. The body is counted while it comes, and never unpacked:
no encoding is asked for, and one that comes all the same is refused. What may pass (a 5xx, a reset)
is tried TRIES times; all of it, redirects and pauses too, has FETCH_SECONDS.
"""

import logging
import ssl
from collections.abc import Callable
from functools import cached_property
from urllib.parse import urljoin

import httpcore2
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from gpu_worker.adapters.data_url import too_large
from gpu_worker.adapters.guarded_network import GuardedNetwork, Limit, NotPublic, Overdue
from gpu_worker.image_addresses import ServedAddresses, WebFile
from gpu_worker.ports import Resolver, Unresolved
from shared.errors import ErrorCode, GenerationError

log = logging.getLogger(__name__)

#: For one image. A phone's photo of 10 MB comes in 8 s over a line of 10 Mbit/s.
FETCH_SECONDS = 30.0
#: As for an own file.
MAX_FETCHED_BYTES = 20 * 2**20
MAX_REDIRECTS = 3
TRIES = 3
FIRST_PAUSE_SECONDS = 0.2
MAX_PAUSE_SECONDS = 2.0
HTTPS_PORT = 443
CONTENT_TYPES = ("image/png", "image/jpeg", "image/jpg", "image/webp")
OK = 200
REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: Beside all from 500 on: what servers answer that are busy.
BUSY = frozenset({408, 425, 429})
SERVER_FAULTS = 500
#: The first lets hosts tell us from a browser; no compression, so that a byte is a byte.
HEADERS = [
    ("User-Agent", "emberframe"),
    ("Accept", ", ".join(CONTENT_TYPES)),
    ("Accept-Encoding", "identity"),
    ("Connection", "close"),
]


class Passing(Exception):
    """What another try may cure; the text goes on after "its host "."""


class WebImages:
    """Thread-safe; keeps no connection between fetches."""

    def __init__(
        self,
        served: ServedAddresses,
        resolver: Resolver,
        *,
        dialler: httpcore2.NetworkBackend | None = None,
        trust: ssl.SSLContext | None = None,
        seconds: float = FETCH_SECONDS,
    ) -> None:
        """`dialler` opens connections to checked addresses; `trust` knows whom to believe, by
        default whom the machine believes, read when it is needed first."""
        self._served = served
        self._resolver = resolver
        self._dialler = dialler
        self._given_trust = trust
        self._seconds = seconds

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return self._given_trust or httpcore2.default_ssl_context()

    def fetch(self, file: WebFile, field: str, check: Callable[[], None]) -> bytes:
        limit = Limit(self._seconds, check)
        retrying = Retrying(
            retry=retry_if_exception_type(Passing),
            stop=stop_after_attempt(TRIES),
            wait=wait_random_exponential(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS),
            before_sleep=lambda _: limit.look(),
            reraise=True,
        )
        try:
            return retrying(self._follow, file, field, limit)
        except Passing as fault:
            raise _unavailable(field, f"its host {fault}, also when it was tried again") from None
        except Overdue:
            raise _unavailable(
                field, f"its host did not deliver it within {self._seconds:g} seconds"
            ) from None
        except NotPublic as error:
            # Not the host, of which a person may have written a part.
            allowed = self._served.allowing(error.host)
            log.warning("a host of images leads inside", extra={"fields": {"allowed": allowed}})
            raise self._served.refusal(
                field, "leads to an address that is not one of the public internet"
            ) from None

    def _follow(self, file: WebFile, field: str, limit: Limit) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            got = self._get(file, field, limit)
            if isinstance(got, bytes):
                return got
            file = got
        raise self._served.refusal(field, f"is redirected more than {MAX_REDIRECTS} times")

    def _get(self, file: WebFile, field: str, limit: Limit) -> bytes | WebFile:
        """The body, or where it is said to be."""
        network = GuardedNetwork(self._resolver, limit, self._dialler)
        url = httpcore2.URL(scheme="https", host=file.host, port=HTTPS_PORT, target=file.target)
        try:
            with (
                httpcore2.ConnectionPool(
                    ssl_context=self._trust, max_connections=1, network_backend=network
                ) as pool,
                pool.stream("GET", url, headers=HEADERS) as response,
            ):
                return self._judge(file, response, field)
        except httpcore2.ConnectError as error:
            if isinstance(error.__cause__ or error.__context__, ssl.SSLError):
                raise _unavailable(field, "its host has no valid certificate") from None
            raise Passing("cannot be reached") from None
        except httpcore2.TimeoutException:
            raise Passing("does not answer") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError):
            raise Passing("broke off, or does not speak HTTP") from None
        except Unresolved:
            raise Passing("has no address that could be found") from None

    def _judge(self, file: WebFile, response: httpcore2.Response, field: str) -> bytes | WebFile:
        headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
        status = response.status
        if status in REDIRECTS and b"location" in headers:
            return self._redirected(file, headers[b"location"], field)
        if status >= SERVER_FAULTS or status in BUSY:
            raise Passing(f"answers with the status {status}")
        if status != OK:
            raise _unavailable(field, f"its host answers with the status {status}")
        content_type = headers.get(b"content-type", "").partition(";")[0].strip().lower()
        if content_type not in CONTENT_TYPES:
            raise self._served.refusal(
                field, "is no picture by what its host says; a PNG, JPEG or WebP is needed"
            )
        if headers.get(b"content-encoding", "identity").strip().lower() != "identity":
            raise self._served.refusal(field, "comes compressed, though that was not asked for")
        return _body(response, headers.get(b"content-length", ""), field)

    def _redirected(self, file: WebFile, location: str, field: str) -> WebFile:
        try:
            url = urljoin(f"https://{file.host}{file.target}", location)
        except ValueError:  # an IPv6 address that is none
            url = ""
        return self._served.read_web(url, f"{field}'s redirect")


def _body(response: httpcore2.Response, declared: str, field: str) -> bytes:
    # What is declared is believed only where it is too much; what comes is counted.
    if declared.isdecimal() and int(declared) > MAX_FETCHED_BYTES:
        raise too_large(field, MAX_FETCHED_BYTES)
    data = bytearray()
    for chunk in response.iter_stream():
        data += chunk
        if len(data) > MAX_FETCHED_BYTES:
            raise too_large(field, MAX_FETCHED_BYTES)
    return bytes(data)


def _unavailable(field: str, why: str) -> GenerationError:
    return GenerationError(ErrorCode.INPUT_UNAVAILABLE, f"{field} cannot be had: {why}.")
