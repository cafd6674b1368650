"""The people of the deny matrix: unsigned ID tokens, which the emulators take at their word."""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4


@dataclass(frozen=True)
class Person:
    """Somebody with a phone. `uid` is None for somebody who has not signed in."""

    uid: str | None
    #: How they signed in, by Firebase's name.
    provider: str = field(default="password", kw_only=True)
    #: Custom claims, which only the project's server can give.
    claims: Mapping[str, Any] = field(default_factory=dict[str, Any], kw_only=True)

    def headers(self, project: str) -> dict[str, str]:
        """What a client SDK sends along with every request of this person."""
        if self.uid is None:
            return {}
        named = {**self.claims, "sub": self.uid, "user_id": self.uid}
        return {"Authorization": f"Bearer {_token(project, self.provider, named)}"}


class Nameless(Person):
    """Somebody whose token is whole but names no user."""

    def headers(self, project: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {_token(project, self.provider, {})}"}


class Forger(Person):
    """Somebody whose token is made up."""

    def headers(self, project: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.uid}.is.me"}


def somebody() -> Person:
    """A signed-in person whom no other test knows."""
    return Person(uid=f"person-{uuid4().hex[:12]}")


STRANGER = Person(uid=None)


def _token(project: str, provider: str, named: dict[str, Any]) -> str:
    now = int(time.time())
    claims = {
        "iss": f"https://securetoken.google.com/{project}",
        "aud": project,
        **named,
        "auth_time": now,
        "iat": now,
        "exp": now + 3600,
        "firebase": {"identities": {}, "sign_in_provider": provider},
    }
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def _part(content: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
