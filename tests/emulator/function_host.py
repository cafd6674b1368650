"""The deploy folder under functions-framework alone, as Cloud Run runs it, events by HTTP."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from google.cloud.firestore_v1 import types as database_types
from google.cloud.firestore_v1._helpers import encode_dict
from google.events.cloud.firestore import Document, DocumentEventData

from tools import bundle

HOST_TIMEOUT_SECONDS = 60

#: Its arguments: a function, and the kind of its events. Reads [path, hexadecimal body] pairs and
#: answers with the HTTP status of each event.
HOST = """
import json, sys
sys.path.insert(0, ".")
from functions_framework import create_app
function, kind = sys.argv[1:]
client = create_app(function, "main.py", "cloudevent").test_client()
statuses = []
for path, body in json.load(sys.stdin):
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "//firestore.googleapis.com/projects/x/databases/(default)",
        "ce-type": f"google.cloud.firestore.document.v1.{kind}",
        "ce-subject": f"documents/{path}",
        "ce-time": "2026-11-01T12:00:00.000000Z",
        "ce-location": "us-central1",
        "ce-project": "x",
        "ce-database": "(default)",
        "ce-namespace": "(default)",
        "ce-document": path,
        "content-type": "application/protobuf",
    }
    answer = client.post("/", data=bytes.fromhex(body), headers=headers)
    statuses.append(answer.status_code)
print(json.dumps(statuses))
"""

#: A path, and the fields of the document that was created or deleted there.
Happened = tuple[str, Mapping[str, Any]]


def deliver(
    folder: Path,
    environment: Mapping[str, str],
    events: Sequence[Happened],
    *,
    function: str = "enqueue",
    kind: str = "created",
) -> tuple[list[int], list[dict[str, Any]]]:
    """Deliver the events to a new host with the bundle in `folder`, which is built if it is not
    there: HTTP statuses and log lines."""
    bundle.build(folder)
    project = environment["GOOGLE_CLOUD_PROJECT"]
    bodies = [(path, _body(project, path, fields, kind)) for path, fields in events]
    host = subprocess.run(
        [sys.executable, "-B", "-c", HOST, function, kind],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment, "GCLOUD_PROJECT": project},
        input=json.dumps(bodies),
        capture_output=True,
        text=True,
        timeout=HOST_TIMEOUT_SECONDS,
        check=True,
    )
    lines = [json.loads(line) for line in host.stderr.splitlines() if line.startswith("{")]
    return json.loads(host.stdout.splitlines()[-1]), lines


def _body(project: str, path: str, fields: Mapping[str, Any], kind: str) -> str:
    name = f"projects/{project}/databases/(default)/documents/{path}"
    # The event's types are the database's under other names.
    document = Document.deserialize(
        database_types.Document.serialize(
            database_types.Document(name=name, fields=encode_dict(fields))
        )
    )
    place = "old_value" if kind == "deleted" else "value"
    body: bytes = DocumentEventData.serialize(DocumentEventData(**{place: document}))
    return body.hex()
