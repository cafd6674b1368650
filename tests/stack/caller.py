"""A signed-in user of a stack, who reaches it over REST as a phone would: through the rules."""

import httpx

from tools.stack import Stack

PNG = "image/png"


class Caller:
    """An anonymous account of the stack's Auth emulator."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        answer = httpx.post(
            f"http://{stack.auth}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=any",
            json={"returnSecureToken": True},
        ).json()
        self.uid: str = answer["localId"]
        self._headers = {"Authorization": f"Bearer {answer['idToken']}"}

    def create(self, path: str, fields: dict[str, object]) -> int:
        collection, _, name = path.rpartition("/")
        root = f"http://{self._stack.firestore}/v1/projects/{self._stack.project}"
        url = f"{root}/databases/(default)/documents/{collection}?documentId={name}"
        return httpx.post(url, json={"fields": fields}, headers=self._headers).status_code

    def upload(self, name: str, content: bytes = b"image", content_type: str = PNG) -> int:
        return httpx.post(
            f"http://{self._stack.storage}/v0/b/{self._stack.bucket}/o",
            params={"name": name},
            content=content,
            headers={**self._headers, "content-type": content_type},
        ).status_code
