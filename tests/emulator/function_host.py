"""One function of the deploy folder in a process of its own, and what delivers messages to it.

The host is functions-framework, as on Cloud Run; `MessageEvents` stands for Eventarc: it pulls from
the Pub/Sub emulator and posts each message as the CloudEvent that firebase-tools makes of it, some
at the same time; what is not answered with 2xx comes again.
"""

import base64
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx
from google.api_core import exceptions
from google.cloud.firestore_v1 import types as database_types
from google.cloud.firestore_v1._helpers import encode_dict
from google.cloud.pubsub_v1 import SubscriberClient
from google.events.cloud.firestore import Document, DocumentEventData

from shared.message import GenerationMessage

TIMEOUT_SECONDS = 30.0
#: Deliveries under way at the same time.
DELIVERIES = 4
#: A pull that finds nothing is answered after this; the emulator is asked again then.
PULL_SECONDS = 1.0

#: Serves the function of its argument on a free port, which it prints first.
HOST = """
import sys
sys.path.insert(0, ".")
from functions_framework import create_app
from werkzeug.serving import make_server
app = create_app(sys.argv[1], "main.py", "cloudevent")
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


class FunctionHost:
    """A process that serves `function` of the bundle in `folder`; its log lines are in `log`."""

    def __init__(self, function: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._command = [sys.executable, "-B", "-c", HOST, function]
        self._folder = folder
        self._environment = {"PATH": os.environ["PATH"], **environment}
        self.log = folder.parent / f"{function}-{uuid4().hex}.log"
        self._process: subprocess.Popen[str] | None = None
        self.address = ""
        self.start()

    def start(self) -> None:
        """Returns when it listens."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        assert port, self.log.read_text()
        self.address = f"http://127.0.0.1:{port}"

    def kill(self) -> None:
        """As a machine that fails: nothing of it runs any more when this returns."""
        # Another thread may start the next process as soon as this one is gone.
        process = self._process
        assert process is not None
        process.kill()
        process.wait(TIMEOUT_SECONDS)
        assert process.stdout is not None
        process.stdout.close()

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged in our form."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


def document_headers(
    kind: str, path: str, *, project: str = "x", event_id: str = "1"
) -> dict[str, str]:
    """Of the CloudEvent that says that the document at `path` was `kind`: "created", "deleted"."""
    return {
        "ce-specversion": "1.0",
        "ce-id": event_id,
        "ce-source": f"//firestore.googleapis.com/projects/{project}/databases/(default)",
        "ce-type": f"google.cloud.firestore.document.v1.{kind}",
        "ce-subject": f"documents/{path}",
        "ce-time": "2026-11-01T12:00:00.000000Z",
        "ce-location": "us-central1",
        "ce-project": project,
        "ce-database": "(default)",
        "ce-namespace": "(default)",
        "ce-document": path,
        "content-type": "application/protobuf",
    }


def event_document(project: str, path: str, fields: dict[str, Any]) -> Document:
    """The document at `path` as an event holds it."""
    name = f"projects/{project}/databases/(default)/documents/{path}"
    stored = database_types.Document(name=name, fields=encode_dict(fields))
    # The event's types are the database's under other names.
    return Document.deserialize(database_types.Document.serialize(stored))


def deliver_deletion(host: FunctionHost, project: str, path: str, fields: dict[str, Any]) -> int:
    """The HTTP status with which `host` answers that the document at `path` was deleted, which had
    `fields`."""
    event = DocumentEventData(old_value=event_document(project, path, fields))
    headers = document_headers("deleted", path, project=project, event_id=uuid4().hex)
    body = DocumentEventData.serialize(event)
    with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        return client.post(host.address, content=bytes(body), headers=headers).status_code


class MessageEvents:
    """Delivers what is published to `subscription` for the length of a `with` block."""

    def __init__(self, subscriber: SubscriberClient, subscription: str, host: FunctionHost) -> None:
        self._subscriber = subscriber
        self._subscription = subscription
        self.host = host
        self._stop = threading.Event()
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False)
        self._pool = ThreadPoolExecutor(DELIVERIES)
        self._puller = threading.Thread(target=self._pull)
        self._changed = threading.Condition()
        #: Answers by path of the generation and HTTP status; 0 is a host that is gone.
        self.answers: Counter[tuple[str, int]] = Counter()

    def __enter__(self) -> Self:
        self._puller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._puller.join(TIMEOUT_SECONDS)
        self._pool.shutdown()
        self._client.close()

    def wait_for(self, path: str, status: int, count: int = 1) -> None:
        with self._changed:
            assert self._changed.wait_for(
                lambda: self.answers[path, status] >= count, TIMEOUT_SECONDS
            ), (dict(self.answers), self.host.log.read_text())

    def _pull(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(exceptions.DeadlineExceeded):
                pulled = self._subscriber.pull(
                    subscription=self._subscription, max_messages=DELIVERIES, timeout=PULL_SECONDS
                )
                for received in pulled.received_messages:
                    self._pool.submit(self._deliver, received).add_done_callback(_raise)

    def _deliver(self, received: Any) -> None:
        status = self._post(received.message)
        if 200 <= status < 300:
            self._subscriber.acknowledge(subscription=self._subscription, ack_ids=[received.ack_id])
        else:
            self._subscriber.modify_ack_deadline(
                subscription=self._subscription, ack_ids=[received.ack_id], ack_deadline_seconds=0
            )
        path = str(GenerationMessage.from_bytes(received.message.data).path)
        with self._changed:
            self.answers[path, status] += 1
            self._changed.notify_all()

    def _post(self, message: Any) -> int:
        at = message.publish_time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = {
            "specversion": "1.0",
            "id": uuid4().hex,
            "time": at,
            "type": "google.cloud.pubsub.topic.v1.messagePublished",
            "source": "//pubsub.googleapis.com/projects/x/topics/x",
            "data": {
                "message": {
                    "messageId": message.message_id,
                    "message_id": message.message_id,
                    "publishTime": at,
                    "publish_time": at,
                    "attributes": dict(message.attributes),
                    "orderingKey": "",
                    "data": base64.b64encode(message.data).decode(),
                },
                "subscription": self._subscription,
            },
        }
        headers = {"Content-Type": "application/cloudevents+json; charset=UTF-8"}
        try:
            return self._client.post(
                self.host.address, content=json.dumps(event), headers=headers
            ).status_code
        except httpx.TransportError:
            return 0


def _raise(done: Future[None]) -> None:
    """A delivery that fails by a fault of the test's own must not be silent."""
    done.result()
