"""What the address of an image in a request is: a data URL, an own file, a host's file, or wrong.

Pure: nothing is looked up. One regular expression reads a web address whole, so that no two
parsers can disagree about its host; whatever it does not match is refused.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from shared.errors import InvalidInput

DATA_SCHEME = "data:"
#: Google's own bound on an object's name.
MAX_NAME_BYTES = 1024
#: A host without user, password or any port but 443; then path and query. No space, no backslash.
_WEB = re.compile(
    r"https://(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::443)?"
    r"(?P<target>[/?][^#\s\\\x00-\x1f\x7f]*)?(?:#\S*)?"
)
#: Behind the download host; a token may follow, which neither helps nor harms.
_DOWNLOAD = re.compile(r"/v0/b/(?P<bucket>[^/?#]+)/o/(?P<name>[^/?#]+)(?:\?[^#]*)?(?:#.*)?")
#: Behind the base of signed URLs: slashes are as they are, and the signature does not matter.
_SIGNED = re.compile(r"(?P<name>[^?#]+)(?:\?[^#]*)?(?:#.*)?")
#: As a decoder of percent signs would leave it if it ran once more.
_ENCODED_AGAIN = re.compile(r"%[0-9A-Fa-f]{2}")
#: What stays as it is in a path and query that were encoded already.
_TARGET_SAFE = "%/?:@!$&'()*+,;=~-._[]"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file in the deployment's bucket, below `users/{uid}/` of the person who asks."""

    name: str


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file of an allowed host, to be had over https, port 443."""

    #: Lower-case.
    host: str
    #: Path and query, percent-encoded; begins with a slash.
    target: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedAddresses:
    """What a deployment serves, by its settings."""

    #: None: there is none, and so nobody has files of their own.
    bucket: str | None = None
    #: Of the bucket's own addresses: `gs`, or `s3`.
    scheme: str = "gs"
    #: Scheme, host and perhaps port of Firebase's download URLs, where files have such.
    download_host: str | None = None
    #: What signed URLs of its files begin with, up to the name; where files have such.
    signed_base: str | None = None
    #: `photos.example.com` allows that host, `.example.com` every host below it.
    hosts: Sequence[str] = ()

    def read(self, url: str, field: str, *, uid: str | None) -> OwnFile | WebFile:
        """`field` names the request's field in errors. Raises `InvalidInput`."""
        own = self._own_name(url, field)
        if own is None:
            return self.read_web(url, field)
        if uid is None or not own.startswith(f"users/{uid}/"):
            raise self.refusal(field, "is the address of a file that is not yours")
        return OwnFile(own)

    def read_web(self, url: str, field: str) -> WebFile:
        """An allowed host's file: what `read` takes, and what a host may redirect to."""
        found = _WEB.fullmatch(url)
        if found is None:
            raise self.refusal(field, "is not an address of a form that is served here")
        host = found["host"].lower()
        if self.allowing(host) is None:
            raise self.refusal(field, "is the address of a host that is not allowed here")
        target = found["target"] or "/"
        return WebFile(host, quote(target if target[0] == "/" else "/" + target, _TARGET_SAFE))

    def refusal(self, field: str, what: str) -> InvalidInput:
        """Says what is allowed too. The address is not repeated: it may hold a token."""
        return InvalidInput(f"{field} {what}; it must be {self._allowed()}.")

    def _allowed(self) -> str:
        ways = ["a data URL (data:image/png;base64,…)"]
        if self.bucket is not None:
            own = f"{self.scheme}://{self.bucket}/users/{{your uid}}/…"
            ways.append(f"a file of your own in this app's storage ({own} or its download URL)")
        if self.hosts:
            named = ", ".join(f"*{it}" if it.startswith(".") else it for it in self.hosts)
            ways.append(f"an https address of {named}, without a user and on port 443")
        return ", or ".join(ways)

    def allowing(self, host: str) -> str | None:
        """Which of `hosts` allows `host`, in lower case; None when none does."""
        for allowed in self.hosts:
            if host.endswith(allowed) if allowed.startswith(".") else host == allowed:
                return allowed
        return None

    def _own_name(self, url: str, field: str) -> str | None:
        """The object's name if `url` leads into the bucket; None for any other address."""
        name = self._name_in_bucket(url)
        if name is not None and not _is_plain(name):
            raise self.refusal(field, "is the address of a file whose name is not a plain one")
        return name

    def _name_in_bucket(self, url: str) -> str | None:
        if self.bucket is None:
            return None
        plain = f"{self.scheme}://{self.bucket}/"
        if url.startswith(plain):
            return url.removeprefix(plain)
        found = self._download(url) or self._signed(url)
        return unquote(found["name"], errors="surrogateescape") if found else None

    def _download(self, url: str) -> re.Match[str] | None:
        if self.download_host is None:
            return None
        # Some of Firebase's SDKs write the port that https has anyway.
        for host in (self.download_host, f"{self.download_host}:443"):
            found = _DOWNLOAD.fullmatch(url.removeprefix(host)) if url.startswith(host) else None
            if found is not None and found["bucket"] == self.bucket:
                return found
        return None

    def _signed(self, url: str) -> re.Match[str] | None:
        base = self.signed_base
        if base is None or not url.startswith(base):
            return None
        return _SIGNED.fullmatch(url.removeprefix(base))


def _is_plain(name: str) -> bool:
    """No step upwards, nothing empty, nothing that another decoding would change."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:  # its bytes are no UTF-8
        return False
    return (
        size <= MAX_NAME_BYTES
        and all(part not in ("", ".", "..") for part in name.split("/"))
        and _CONTROL.search(name) is None
        and "\\" not in name
        and _ENCODED_AGAIN.search(name) is None
    )
