"""Names of documents, objects, topics and subscriptions: one place, deterministic.

An object's name holds the fencing token of the attempt that made it, so that a worker that lost
its lease can only ever write files that no document refers to.
"""

import re
from dataclasses import dataclass

from shared.errors import InvalidInput

#: Firestore's own limit is 1500 bytes; Firebase Auth's for a uid is 128 characters.
MAX_ID_LENGTH = 128
#: Safe in a Firestore path, an object name, a URL and a log line alike.
#: `__x__` is reserved by Firestore; a leading dot would allow `.` and `..`.
_ID = re.compile(rf"(?!__.*__$)[A-Za-z0-9_-][A-Za-z0-9._:@-]{{0,{MAX_ID_LENGTH - 1}}}")
_DOCUMENT = re.compile(r"users/([^/]+)/generations/([^/]+)")

_OBJECT = re.compile(rf"({_DOCUMENT.pattern})/([1-9][0-9]{{0,15}})/.+")

#: The trigger listens on it; rules, index and clients use the same words.
DOCUMENT_PATTERN = "users/{uid}/generations/{generation_id}"

#: What its owner may see of what they have used; see `shared.usage`.
USAGE_PATTERN = "users/{uid}/account/usage"
_USAGE = re.compile(r"users/([^/]+)/account/usage")
#: Last part of `USAGE_PATTERN`'s collection, as a collection group's name.
ACCOUNTS = "account"

#: That a generation has ended, until its owner's devices were told; see `shared.notice`.
NOTICE_PATTERN = "users/{uid}/notices/{generation_id}"
_NOTICE = re.compile(r"users/([^/]+)/notices/([^/]+)")
#: Last part of `NOTICE_PATTERN`'s collection, as a collection group's name.
NOTICES = "notices"
#: Where a person's apps say how they are told; see `firestore.rules`.
DEVICES_PATTERN = "users/{uid}/devices"

#: Last part of `DOCUMENT_PATTERN`'s collection, as a collection group's name.
GENERATIONS = "generations"
#: Every file of every generation lies below it, beside people's input images.
OBJECTS_ROOT = "users/"

#: What the whole line is like, by kind; see `shared.queueing`.
QUEUE_DOCUMENT = "system/queue"
#: What each worker says of itself; see `shared.presence`.
WORKERS_COLLECTION = "system/workers/live"

IMAGE_TOPIC = "generate-image"
VIDEO_TOPIC = "generate-video"
IMAGE_SUBSCRIPTION = "generate-image-worker"
VIDEO_SUBSCRIPTION = "generate-video-worker"


def check_id(name: str, value: object) -> str:
    """Return `value` if it is an id, else raise `InvalidInput` naming `name`."""
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    raise InvalidInput(
        f"{name} is {str(value)[:MAX_ID_LENGTH]!r}; it must be 1 to {MAX_ID_LENGTH} letters, "
        "digits or . _ : @ - and neither begin with . : @ nor look like __this__."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerationPath:
    """Where one generation lives: `users/{uid}/generations/{generation_id}`."""

    uid: str
    generation_id: str

    def __post_init__(self) -> None:
        check_id("user_id", self.uid)
        check_id("file_uid", self.generation_id)

    @staticmethod
    def has_form(document: str) -> bool:
        """Whether it lies where generations do, even if its ids are none of ours."""
        return _DOCUMENT.fullmatch(document) is not None

    @classmethod
    def parse(cls, document: str) -> "GenerationPath":
        """Read a document path relative to the database root. Raises `InvalidInput`."""
        match = _DOCUMENT.fullmatch(document)
        if match is None:
            raise InvalidInput(f"{document!r} is not a path of the form {DOCUMENT_PATTERN}.")
        return cls(uid=match[1], generation_id=match[2])

    def __str__(self) -> str:
        return f"users/{self.uid}/generations/{self.generation_id}"

    @property
    def usage(self) -> str:
        """Where its owner's usage lives."""
        return USAGE_PATTERN.format(uid=self.uid)

    @property
    def notice(self) -> str:
        """Where it is noted that its end has to be told."""
        return NOTICE_PATTERN.format(uid=self.uid, generation_id=self.generation_id)

    @classmethod
    def of_notice(cls, document: str) -> "GenerationPath | None":
        """The generation that the notice at `document` is about; None when it can be none's."""
        match = _NOTICE.fullmatch(document)
        try:
            return cls(uid=match[1], generation_id=match[2]) if match else None
        except InvalidInput:
            return None

    @property
    def object_prefix(self) -> str:
        """Every file of this generation lies below it; ends in a slash."""
        return f"{self}/"

    def object_name(self, token: int, name: str) -> str:
        """`users/{uid}/generations/{id}/{token}/{name}`; `token` ≥ 1 is the lease's."""
        return f"{self}/{token}/{name}"


def usage_owner(document: str) -> str | None:
    """The uid whose usage lies at `document`; None when none does."""
    match = _USAGE.fullmatch(document)
    return match[1] if match else None


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectName:
    """The name of one file of one attempt, taken apart."""

    generation: GenerationPath
    token: int

    @classmethod
    def parse(cls, name: str) -> "ObjectName | None":
        """None when `name` is not of the form that `GenerationPath.object_name` makes."""
        match = _OBJECT.fullmatch(name)
        if match is None:
            return None
        try:
            generation = GenerationPath.parse(match[1])
        except InvalidInput:
            return None
        return cls(generation=generation, token=int(match[4]))


def worker_document(worker_id: str) -> str:
    """Where a worker says how it is."""
    return f"{WORKERS_COLLECTION}/{worker_id}"
