"""As many documents of many small values as one instance gets at once do not take its memory.

The deploy folder under functions-framework alone, in a process and a project of its own.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from google.events.cloud.firestore import DocumentEventData

from tests.emulator.function_host import document_headers
from tests.rules.firestore_rest import Firestore, Stored
from tools import bundle
from tools.stack import Stack
from trigger import main

pytestmark = pytest.mark.stack

PROJECT = f"demo-heavy-{uuid4().hex[:8]}"
PATH = "users/mallory/generations/heavy"
#: Empty maps. Anybody's account gets twice as many past the rules of the emulator, and no million.
VALUES = 200_000
HOST_TIMEOUT_SECONDS = 120
KIB = 1024

#: Delivers the event with the headers argv[1] and the body in argv[2], argv[3] times at once.
HOST = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
sys.path.insert(0, ".")
from functions_framework import create_app
headers, body, count = json.loads(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
app, together = create_app("enqueue", "main.py", "cloudevent"), Barrier(count)

def deliver(_):
    together.wait()
    return app.test_client().post("/", data=body.read_bytes(), headers=headers).status_code

with ThreadPoolExecutor(count) as pool:
    assert set(pool.map(deliver, range(count))) == {200}
lines = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


def test_a_flood_of_values_leaves_the_function_its_memory(stack: Stack, tmp_path: Path) -> None:
    with httpx.Client(timeout=HOST_TIMEOUT_SECONDS) as http:
        _flood(stack, http, tmp_path)


def _flood(stack: Stack, http: httpx.Client, tmp_path: Path) -> None:
    database = Firestore(http, stack.firestore, PROJECT, None)
    many = Stored({"arrayValue": {"values": [{"mapValue": {}}] * VALUES}})
    written = database.create(PATH, {"status": "pending", "input": {"x": many}})
    assert written.status_code == httpx.codes.OK
    event = DocumentEventData.pb(DocumentEventData())
    event.value.fields["status"].string_value = "pending"
    values = event.value.fields["input"].map_value.fields["x"].array_value.values
    for _ in range(VALUES):
        values.add().map_value.SetInParent()
    (body := tmp_path / "event").write_bytes(event.SerializeToString())
    bundle.build(folder := tmp_path / "trigger")
    headers = json.dumps(document_headers("created", PATH))
    host = subprocess.run(
        [sys.executable, "-B", "-c", HOST, headers, str(body), str(main.CONCURRENCY)],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            **stack.env(),
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "GCLOUD_PROJECT": PROJECT,
        },
        capture_output=True,
        text=True,
        timeout=HOST_TIMEOUT_SECONDS,
        check=True,
    )
    outcomes = [
        json.loads(line)["outcome"]
        for line in host.stderr.splitlines()
        if line.startswith("{") and "outcome" in line
    ]
    assert "refused" in outcomes
    assert set(outcomes) <= {"refused", "already_done"}
    used_mib = int(host.stdout.splitlines()[-1]) / KIB
    # Half, as twice as many may come.
    assert used_mib < main.OF_A_DOCUMENT["memory"] / 2
    read = http.get(
        f"http://{stack.firestore}/v1/projects/{PROJECT}/databases/(default)/documents/{PATH}",
        params={"mask.fieldPaths": "status"},
        headers={"Authorization": "Bearer owner"},
    )
    assert read.json()["fields"]["status"] == {"stringValue": "failed"}
    database.delete(PATH)
