"""A cell of the deny matrix: who does what to which document or file, and whether they may."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import uuid4

from tests.rules.people import STRANGER, Forger, Nameless, Person, somebody


class Role(StrEnum):
    OWNER = "the owner"
    #: Like the owner, but signed in without a name.
    ANONYMOUS = "an anonymous owner"
    #: Like the owner, but of an id that is not safe everywhere.
    ODD = "an owner of an odd id"
    OTHER = "another person"
    STRANGER = "somebody signed out"
    NAMELESS = "a token that names nobody"
    FORGER = "a token that is none"
    #: Has the custom claim `admin`; to other people's own things a stranger.
    ADMIN = "an operator"
    #: Has a claim of that name that is not `true`.
    NO_ADMIN = "somebody whose claim `admin` is a text"
    #: Whom no rule binds: shows that what is denied to the others can be done at all.
    SERVER = "the server"


#: Everybody who is neither the owner nor the server.
INTRUDERS = (
    Role.OTHER,
    Role.STRANGER,
    Role.NAMELESS,
    Role.FORGER,
    Role.ADMIN,
    Role.NO_ADMIN,
)
#: Those who have a folder of their own; all others try it on the owner's.
OWNERS = (Role.OWNER, Role.ANONYMOUS, Role.ODD)
#: What `settings/access` holds unless a case says otherwise: there is no such document.
NO_SETTING: Mapping[str, Any] = {}

Operation = TypeVar("Operation", bound=StrEnum)


@dataclass(frozen=True, eq=False)
class Case(Generic[Operation]):
    role: Role
    operation: Operation
    #: What is special about it, in words; goes on after the operation's.
    what: str
    allowed: bool
    _: KW_ONLY
    #: Below which everything happens that names no place of its own.
    place: str
    #: What is there before; None: nothing.
    before: Any = None
    #: What is written.
    given: Any = None
    #: `settings/access`, or NO_SETTING.
    setting: Mapping[str, Any] = field(default_factory=lambda: NO_SETTING)

    @property
    def name(self) -> str:
        verdict = "allowed" if self.allowed else "denied"
        what = f" {self.what}" if self.what else ""
        return f"{self.role} {self.operation.value}{what}: {verdict}"


def cast() -> dict[Role, Person | None]:
    """People for all roles whom nobody else knows; the server is no person."""
    return {
        Role.OWNER: somebody(),
        Role.ANONYMOUS: Person(somebody().uid, provider="anonymous"),
        Role.ODD: Person(f"with space {uuid4().hex[:6]}"),
        Role.OTHER: somebody(),
        Role.STRANGER: STRANGER,
        Role.NAMELESS: Nameless(f"nobody-{uuid4().hex[:6]}"),
        Role.FORGER: Forger(f"forger-{uuid4().hex[:6]}"),
        Role.ADMIN: Person(somebody().uid, claims={"admin": True}),
        Role.NO_ADMIN: Person(somebody().uid, claims={"admin": "true"}),
        Role.SERVER: None,
    }
