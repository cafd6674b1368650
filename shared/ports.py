"""What the use cases need of the outside world, as Protocols.

Adapters live in `trigger/adapters` and `gpu_worker/adapters`; `shared/in_memory*.py` have one of
each for tests. Every port has one contract suite (`tests/contract`) that runs over all of them. The
port of services that work on jobs elsewhere is `shared/serverless.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, Protocol


class Sentinel(Enum):
    """Values that only the server can fill in; adapters translate them."""

    #: The server's time of the write.
    SERVER_TIME = "server_time"
    #: Remove the field.
    DELETE = "delete"


SERVER_TIME = Sentinel.SERVER_TIME
DELETE = Sentinel.DELETE


class NotInput(Enum):
    """Stands in a document's `input` for what cannot be used; see `Generation.check_input`."""

    #: It holds a value that the client library cannot decode; the other fields were read.
    UNREADABLE = "unreadable"
    #: The store refused to write the document again with it.
    REJECTED = "rejected"


#: Top-level field name → new value of the whole field. Values are what Firestore stores.
Changes = Mapping[str, Any]


#: The names of a field inside maps, from the outside in.
FieldPath = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Creation:
    """A document that must not exist yet."""

    path: str
    data: Changes


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """Fields of a document that must still have version `expected`."""

    path: str
    changes: Changes
    expected: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjustment:
    """Parts of a document, whatever version it has by then; it is created if there is none."""

    path: str
    #: What is added to the whole number there; none counts as 0.
    add: Mapping[FieldPath, int]
    #: What is taken away if it is there.
    remove: Sequence[FieldPath]
    #: Top-level fields that are written anew; none that is named above.
    put: Changes = field(default_factory=dict[str, Any])


#: Of another document than the one that is updated.
Beside = Creation | Update | Adjustment


class Conflict(Exception):
    """The document changed since the version that the write expected."""


class Missing(Exception):
    """There is no such document or object."""


class AlreadyExists(Exception):
    """There is such a document or object already, with other content."""


class Rejected(Exception):
    """The store will never take this write: the document would be too big, or it is invalid."""


class TooLarge(Exception):
    """The object has more bytes than the caller takes."""


class Unavailable(Exception):
    """The service did not answer for longer than the adapter's retries last; try later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """One document as read."""

    data: Mapping[str, Any]
    #: Opaque to use cases; hand it back to `update`.
    version: Any
    #: The server's time when it answered: the clock that leases are judged by.
    read_time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """One acknowledged write."""

    version: Any
    #: The server's time of the commit.
    commit_time: datetime


class DocumentStore(Protocol):
    """Compare-and-set access to single documents. Any call may raise `Unavailable`."""

    def read(self, path: str) -> Snapshot | None:
        """The document, or None when there is none.

        If `input` holds a value that cannot be decoded, such as a reference into another project,
        it is `NotInput.UNREADABLE`, beside those of `shared.document.SERVER_FIELDS` that are there.
        """

    def create(self, path: str, data: Changes) -> Written:
        """Write a document that does not exist yet. Raises `AlreadyExists`, `Rejected`."""

    def update(
        self, path: str, changes: Changes, *, expected: Any, beside: Sequence[Beside] = ()
    ) -> Written:
        """Replace the named fields if the document still has version `expected`.

        What is to be written `beside` it is written in the same commit: all of it or nothing. A
        condition of one of those that does not hold raises as if it were the document's own.

        Raises `Rejected` when it could never be written, `Conflict` when it has another version,
        and `Missing` or `Conflict` when it is gone (Firestore's emulator does not tell these
        apart). A reply lost on the way makes the adapter's own retry look like a conflict: the
        caller reads back and compares.
        """


class Overdue(StrEnum):
    """What the sweep looks for; each is one query, in the order of one moment of the document."""

    #: Cancelled by its owner while nobody works on it, by `created_at`.
    CANCELLED = "cancelled"
    #: Created and never accepted, by `created_at`.
    PENDING = "pending"
    #: A worker holds it whose lease has lapsed, by `lease.expires_at`.
    LAPSED = "lapsed"
    #: Accepted and not claimed, by `sweep_after`.
    QUEUED = "queued"


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One document that a search has found."""

    path: str
    #: Opaque to use cases; hand it back to go on after this document.
    cursor: Any


class GenerationSearch(Protocol):
    """Looks over everybody's generations. Any call may raise `Unavailable`.

    What it says may be over by the time it is heard; whoever acts on it reads the document first.
    """

    def overdue(
        self, what: Overdue, *, before: datetime, limit: int, after: Found | None = None
    ) -> Sequence[Found]:
        """At most `limit` documents whose moment (see `Overdue`) is `before` or earlier, earliest
        first; those behind `after`, if given. A document without the moment is never found."""

    def states(
        self, paths: Iterable[str], fields: Sequence[str]
    ) -> Mapping[str, Mapping[str, Any]]:
        """The top-level `fields` of the documents at `paths`; of those only that exist."""


class UsageSearch(Protocol):
    """Looks over everybody's usage documents. Any call may raise `Unavailable`."""

    def unreconciled(self, *, before: datetime, limit: int) -> Sequence[str]:
        """Paths of at most `limit` documents of any collection named as theirs whose
        `reconcile_after` is `before` or earlier, earliest first."""


class Subscription(Protocol):
    def close(self) -> None:
        """Stop; no call-back starts after it returns. May be called more than once."""


class DocumentWatcher(Protocol):
    def watch(self, path: str, on_change: Callable[[Snapshot | None], None]) -> Subscription:
        """Call `on_change` from another thread with the document now and after every change.

        A watch is an accelerator only: calls may be late or missing, never wrong.
        """


class MessagePublisher(Protocol):
    def publish(self, topic: str, data: bytes) -> None:
        """Return once the message is stored. Raises `Unavailable` or `Missing` (no such topic)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """One uploaded file."""

    name: str
    #: Readable by whoever knows it, for ever or for a time, as the deployment has it; holds a
    #: secret, so it never appears in a log.
    url: str
    content_type: str
    size_bytes: int
    #: Opaque; tells this object from another one that gets the same name later, if it has other
    #: bytes; some stores tell equals apart, too.
    generation: Any = None


class ObjectStore(Protocol):
    """Private files with a secret download URL. Any call may raise `Unavailable`."""

    def create(self, name: str, data: bytes, *, content_type: str) -> StoredObject:
        """Store `data` under a name that is not taken.

        Storing the same bytes again (a retry after a lost reply) returns the object that is there;
        other bytes under a taken name raise `AlreadyExists`.
        """

    def read(self, name: str, *, max_bytes: int | None = None) -> bytes:
        """The whole object. Raises `Missing`; and `TooLarge`, without reading much more than
        `max_bytes`, when it has more."""

    def delete(self, name: str, *, generation: Any = None) -> None:
        """Remove the object; nothing happens when there is none.

        With a `generation`, nothing happens either when the name belongs to another one by now.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedObject:
    """One stored file as a listing shows it."""

    name: str
    #: The server's time of its creation.
    created_at: datetime
    #: As `StoredObject.generation`.
    generation: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectPage:
    """A part of a listing."""

    objects: Sequence[ListedObject]
    #: Opaque text; hand it back to go on. None: there is no more.
    next_page: str | None


class ObjectListing(Protocol):
    """Looks over stored files and removes them. Any call may raise `Unavailable`."""

    def page(self, prefix: str, *, limit: int, page: str | None = None) -> ObjectPage:
        """At most `limit` objects whose names begin with `prefix`, in the order of their names.

        `page` is an earlier answer's `next_page`, good for days. Raises `Rejected` when it is not
        understood (any more): begin anew.
        """

    def delete(self, name: str, *, generation: Any = None) -> None:
        """As `ObjectStore.delete`."""


class PromptCheck(Protocol):
    """Which prompts are allowed. Pure: called again whenever the document is read."""

    def check(self, prompt: str | None) -> None:
        """Raises `GenerationError` (content_rejected); its message may go to who wrote the prompt.

        None is no prompt.
        """
