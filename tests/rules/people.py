"""The roles of the deny matrix: unsigned ID tokens, which the emulators take at their word."""

import base64
import json
import time
from dataclasses import dataclass
from uuid import uuid4


@dataclass(frozen=True)
class Person:
    """Somebody with a phone. `uid` is None for somebody who has not signed in."""

    uid: str | None

    def headers(self, project: str) -> dict[str, str]:
        """What a client SDK sends along with every request of this person."""
        return {} if self.uid is None else {"Authorization": f"Bearer {_token(self.uid, project)}"}


def somebody() -> Person:
    """A signed-in person whom no other test knows."""
    return Person(uid=f"person-{uuid4().hex[:12]}")


STRANGER = Person(uid=None)


def _token(uid: str, project: str) -> str:
    now = int(time.time())
    claims = {
        "iss": f"https://securetoken.google.com/{project}",
        "aud": project,
        "sub": uid,
        "user_id": uid,
        "auth_time": now,
        "iat": now,
        "exp": now + 3600,
        "firebase": {"identities": {}, "sign_in_provider": "anonymous"},
    }
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def _part(content: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
