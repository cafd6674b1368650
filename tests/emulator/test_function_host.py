"""The deploy folder under functions-framework alone, as Cloud Run runs it, events by HTTP.

A project of its own on the emulators, so that the stack's function sees none of its documents.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.events.cloud.firestore import DocumentEventData

from shared.paths import IMAGE_TOPIC
from tests.databases import database_of
from tests.emulator.conftest import Ear
from tests.emulator.function_host import document_headers, event_document
from tools import bundle
from tools.stack import Stack
from trigger.adapters.pubsub import PubSubPublisher

pytestmark = pytest.mark.stack

PROJECT = f"demo-host-{uuid4().hex[:8]}"
HOST_TIMEOUT_SECONDS = 60
CREATED: dict[str, Any] = {"input": {"prompt": "a red circle"}, "status": "pending"}

#: Reads [headers, hexadecimal body] pairs and answers each with the HTTP status of its event.
HOST = """
import json, sys
sys.path.insert(0, ".")
from functions_framework import create_app
client = create_app("enqueue", "main.py", "cloudevent").test_client()
answers = [
    client.post("/", data=bytes.fromhex(body), headers=headers)
    for headers, body in json.load(sys.stdin)
]
print(json.dumps([answer.status_code for answer in answers]))
"""


@pytest.fixture(scope="module")
def database(stack: Stack) -> Iterator[firestore.Client]:
    with database_of(stack, PROJECT) as client:
        yield client


@pytest.fixture(scope="module")
def ear(subscriber_client: SubscriberClient, publisher_client: PublisherClient) -> Iterator[Ear]:
    publisher_client.create_topic(name=f"projects/{PROJECT}/topics/{IMAGE_TOPIC}")
    ear = Ear(subscriber_client, PubSubPublisher(publisher_client, PROJECT), IMAGE_TOPIC)
    yield ear
    ear.close()


def deliver(
    stack: Stack, folder: Path, events: list[tuple[str, dict[str, Any]]]
) -> tuple[list[int], list[dict[str, Any]]]:
    """Deliver the creation of each (path, fields) to a new host: HTTP statuses and log lines."""
    bundle.build(folder)
    given = [
        (document_headers("created", path), DocumentEventData.serialize(_event(path, fields)).hex())
        for path, fields in events
    ]
    host = subprocess.run(
        [sys.executable, "-B", "-c", HOST],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            **stack.env(),
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "GCLOUD_PROJECT": PROJECT,
        },
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=HOST_TIMEOUT_SECONDS,
        check=True,
    )
    lines = [json.loads(line) for line in host.stderr.splitlines() if line.startswith("{")]
    return json.loads(host.stdout.splitlines()[-1]), lines


def _event(path: str, fields: dict[str, Any]) -> DocumentEventData:
    return DocumentEventData(value=event_document(PROJECT, path, fields))


def test_an_event_that_is_delivered_three_times_publishes_once(
    stack: Stack, database: firestore.Client, ear: Ear, tmp_path: Path
) -> None:
    path = f"users/ann/generations/{uuid4().hex}"
    database.document(path).create(CREATED)
    statuses, lines = deliver(stack, tmp_path / "trigger", [(path, CREATED)] * 3)
    assert statuses == [200, 200, 200]
    assert ear.heard_by_now() == [path]
    assert database.document(path).get().to_dict()["status"] == "queued"
    told = [(line["generation"], line["outcome"]) for line in lines if line["logger"] == "trigger"]
    assert told == [(path, "accepted"), (path, "already_done"), (path, "already_done")]
    assert {line["severity"] for line in lines} == {"INFO"}


def test_an_event_with_a_reference_to_another_project_is_handled_and_not_quoted(
    stack: Stack, database: firestore.Client, ear: Ear, tmp_path: Path
) -> None:
    other = firestore.Client(project="other", credentials=AnonymousCredentials())
    foreign = {"prompt": "x", "a": other.document("a-secret-collection/b")}
    other.close()
    path = f"users/ann/generations/{uuid4().hex}"
    created = {"input": foreign, "status": "pending"}
    database.document(path).create(created)
    statuses, lines = deliver(stack, tmp_path / "trigger", [(path, created)])
    assert statuses == [200]
    assert [line["outcome"] for line in lines] == ["refused"]
    assert "a-secret-collection" not in json.dumps(lines)
    assert database.document(path).get(["status"]).to_dict() == {"status": "failed"}
    assert ear.heard_by_now() == []


def test_an_event_for_a_deleted_document_is_taken_and_done_with(
    stack: Stack, ear: Ear, tmp_path: Path
) -> None:
    path = f"users/ann/generations/{uuid4().hex}"
    statuses, lines = deliver(stack, tmp_path / "trigger", [(path, CREATED)])
    assert statuses == [200]
    assert [line["outcome"] for line in lines] == ["gone"]
    assert ear.heard_by_now() == []


def test_a_message_that_cannot_be_published_is_an_error_that_quotes_nothing(
    stack: Stack, database: firestore.Client, tmp_path: Path
) -> None:
    film = {"input": {"task_type": "text2video", "prompt": "a secret"}, "status": "pending"}
    path = f"users/ann/generations/{uuid4().hex}"
    database.document(path).create(film)
    # This project has no topic for films.
    statuses, lines = deliver(stack, tmp_path / "trigger", [(path, film)])
    assert statuses == [500]
    (line,) = [line for line in lines if line["logger"] == "trigger"]
    assert (line["severity"], line["generation"], line["error"]) == ("ERROR", path, "Missing")
    assert "secret" not in json.dumps(lines)
    # Accepted and paid for; its message is the sweep's to publish.
    assert database.document(path).get().to_dict()["status"] == "queued"
