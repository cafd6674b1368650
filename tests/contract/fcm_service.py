"""A local double of Firebase Cloud Messaging's HTTP v1 API, with its errors and faults on request.

`POST /v1/projects/{project}/messages:send` as documented: what a message may hold and how much, one
token a message, 400, 401, 403, 404 in the forms that FCM gives them. Tests register devices by hand
and see what each was shown.
"""

import base64
import binascii
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TIMEOUT_SECONDS = 30.0
#: Of a message without its token.
MAX_MESSAGE_BYTES = 4096
MAX_TTL_SECONDS = 28 * 24 * 3600
MAX_COLLAPSE_BYTES = 64
_PATH = re.compile(r"/v1/projects/([^/]+)/messages:send")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
#: Names of `data` that are FCM's own.
_RESERVED = re.compile(r"(google|gcm).*|from|message_type")
#: What may stand in each part of a message; what is wrong with any other is its name.
_FIELDS: Mapping[str, set[str]] = {
    "message": {"token", "data", "notification", "android", "apns", "webpush"},
    "notification": {"title", "body", "image"},
    "android": {"priority", "ttl", "notification"},
    "android.notification": {"tag", "image", "title_loc_key", "body_loc_key"},
    "apns": {"headers", "payload", "fcm_options"},
    "webpush": {"headers", "notification"},
}
_TYPE = "type.googleapis.com/google.firebase.fcm.v1.FcmError"


class Fault(StrEnum):
    """Instead of an answer; beside answers of the service as `Answer`."""

    #: The message is shown, and the connection ends without a word of it.
    LOSE_REPLY = "lose_reply"
    #: The connection ends before anything is done.
    DROP = "drop"
    #: 200 of another service.
    GARBAGE = "garbage"
    #: To another project of this service, which notes who follows.
    REDIRECT = "redirect"


@dataclass(frozen=True)
class Answer:
    """An error as FCM words it. Without a `code` it is the front end that speaks, not FCM."""

    status: int
    code: str = ""
    message: str = "as the test wants it"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def body(self) -> dict[str, Any]:
        details = [{"@type": _TYPE, "errorCode": self.code}] if self.code else []
        return {"error": {"code": self.status, "message": self.message, "details": details}}


UNREGISTERED = Answer(404, "UNREGISTERED", "Requested entity was not found.")
NO_TOKEN = Answer(
    400, "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token"
)
OF_ANOTHER = Answer(403, "SENDER_ID_MISMATCH", "SenderId mismatch")


@dataclass
class Asked:
    """One request as it came."""

    project: str
    body: bytes
    headers: dict[str, str]

    @property
    def message(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.body)["message"]
        return message


@dataclass
class FcmService:
    """What tests see of it. `faults` are what the next requests meet, in order."""

    project: str
    #: What comes as `Bearer`.
    bearer: str
    #: Token → the messages that the device has got.
    shown: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    #: Tokens of apps of another project.
    foreign: set[str] = field(default_factory=set)
    asked: list[Asked] = field(default_factory=list)
    faults: deque[Fault | Answer] = field(default_factory=deque)
    #: Called in the request's thread after a message was shown, before the reply.
    on_shown: Callable[[str], None] = lambda _: None
    address: str = ""
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def host(self) -> str:
        return self.address.removeprefix("http://")

    def register(self, *tokens: str) -> None:
        with self.changed:
            self.shown.update({token: [] for token in tokens})

    def uninstall(self, token: str) -> None:
        with self.changed:
            del self.shown[token]

    def next_fault(self) -> Fault | Answer | None:
        with self.changed:
            return self.faults.popleft() if self.faults else None

    def note(self, asked: Asked) -> None:
        with self.changed:
            self.asked.append(asked)
            self.changed.notify_all()

    def wait_until(self, is_so: Callable[["FcmService"], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: is_so(self), TIMEOUT_SECONDS), self.shown

    def answer(self, asked: Asked) -> Answer | dict[str, str]:
        """What the service says: an error, or the message's name."""
        refusal = self._refusal(asked)
        if refusal is not None:
            return refusal
        message = asked.message
        token = message["token"]
        with self.changed:
            if token not in self.shown:
                return UNREGISTERED
            self.shown[token].append(message)
            self.changed.notify_all()
            number = sum(len(messages) for messages in self.shown.values())
        self.on_shown(token)
        return {"name": f"projects/{self.project}/messages/{number}"}

    def _refusal(self, asked: Asked) -> Answer | None:
        if asked.headers.get("authorization") != f"Bearer {self.bearer}":
            return Answer(401, message="Request had invalid authentication credentials.")
        if asked.project != self.project:
            return Answer(403, message="Permission denied on resource project.")
        try:
            token, wrong = asked.message["token"], what_is_wrong(asked.message)
        except (ValueError, LookupError, TypeError, AttributeError):
            return Answer(400, message="Invalid JSON payload received.")
        if wrong:
            return Answer(400, "INVALID_ARGUMENT", f"Invalid value at {wrong}")
        if not isinstance(token, str) or " " in token or not token:
            return NO_TOKEN
        return OF_ANOTHER if token in self.foreign else None


def what_is_wrong(message: dict[str, Any]) -> str:
    """The name of a part that FCM would not take; nothing: it takes them all."""
    for part, names in _FIELDS.items():
        place: Any = {"message": message, **message}
        for name in part.split("."):
            place = place.get(name, {})
        unknown = set(place) - names
        if unknown:
            return f"{part}.{min(unknown)}"
    data = message.get("data", {})
    if not all(isinstance(it, str) and not _RESERVED.fullmatch(name) for name, it in data.items()):
        return "message.data"
    sent = {name: part for name, part in message.items() if name != "token"}
    if len(json.dumps(sent, ensure_ascii=False).encode()) > MAX_MESSAGE_BYTES:
        return "message"
    return _in_android(message["android"]) or _in_apns(message["apns"]) or _in_web(message)


def _in_android(android: dict[str, Any]) -> str:
    ttl = re.fullmatch(r"(\d+)s", android["ttl"])
    if ttl is None or int(ttl[1]) > MAX_TTL_SECONDS:
        return "message.android.ttl"
    return "" if android["priority"] in ("NORMAL", "HIGH") else "message.android.priority"


def _in_apns(apns: dict[str, Any]) -> str:
    headers = apns["headers"]
    if not all(isinstance(it, str) for it in headers.values()):
        return "message.apns.headers"
    if len(headers["apns-collapse-id"].encode()) > MAX_COLLAPSE_BYTES:
        return "message.apns.headers.apns-collapse-id"
    is_time = headers["apns-expiration"].isdigit() and headers["apns-priority"] in ("5", "10")
    return "" if is_time and isinstance(apns["payload"]["aps"], dict) else "message.apns"


def _in_web(message: dict[str, Any]) -> str:
    headers = message["webpush"]["headers"]
    topic = headers["Topic"]
    try:
        base64.urlsafe_b64decode(topic + "=" * (-len(topic) % 4))
    except binascii.Error:
        return "message.webpush.headers.Topic"
    is_good = _TOPIC.fullmatch(topic) and headers["TTL"].isdigit() and headers["Urgency"] == "high"
    return "" if is_good else "message.webpush.headers"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: An answer goes out in one piece, so that its second one need not wait for an acknowledgement.
    wbufsize = -1
    server: "_Server"

    def do_POST(self) -> None:
        service = self.server.service
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match = _PATH.fullmatch(self.path)
        if match is None:
            self._reply(Answer(404, message="The requested URL was not found on this server."))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(match[1], body, headers)
        service.note(asked)
        fault = service.next_fault()
        if isinstance(fault, Answer):
            self._reply(fault)
        elif fault is Fault.GARBAGE:
            self._reply({"hello": "world"})
        elif fault is Fault.REDIRECT:
            to = f"{service.address}/v1/projects/elsewhere/messages:send"
            self._reply(Answer(307, headers={"Location": to}))
        elif fault is Fault.DROP:
            self.close_connection = True
        else:
            answer = service.answer(asked)
            if fault is Fault.LOSE_REPLY:
                self.close_connection = True
            else:
                self._reply(answer)

    def _reply(self, answer: Answer | dict[str, str]) -> None:
        data = json.dumps(answer.body() if isinstance(answer, Answer) else answer).encode()
        self.send_response(answer.status if isinstance(answer, Answer) else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (answer.headers if isinstance(answer, Answer) else {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, service: FcmService) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.service = service

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that was killed while it waited is no fault of ours."""


@contextmanager
def running_fcm(
    *tokens: str, project: str = "demo-fcm", bearer: str = "owner"
) -> Iterator[FcmService]:
    """The double on a port of its own for the length of a `with` block; devices have `tokens`."""
    service = FcmService(project=project, bearer=bearer)
    service.register(*tokens)
    with _Server(service) as server:
        service.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
