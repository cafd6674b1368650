"""`python -m bench.consumers floor|naive`: two other workers for the same messages, for B2 and B3.

`floor` makes the calls that our worker makes for a picture, in its order, by bare stubs and with
nothing around: pull, read, claim, both uploads at once, end, acknowledge. `naive` is a worker as
one writes it first: pull, transaction, generate, encode, upload, write and acknowledge in turn.
Both have a null engine, or one that sleeps.
"""

import io
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import grpc
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore, storage
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
from google.cloud.firestore_v1.types import (
    ArrayValue,
    BatchGetDocumentsRequest,
    CommitRequest,
    Document,
    DocumentMask,
    MapValue,
    Precondition,
    Value,
    Write,
)
from google.pubsub_v1 import types
from PIL import Image

from bench.intakes.timed_worker import JOB_VARIABLE, SIDE_VARIABLE
from bench.pictures import photo
from gpu_worker.adapters.pubsub import subscriber_client
from gpu_worker.media.thumbnail import THUMBNAIL_SIDE
from shared.message import GenerationMessage
from shared.paths import IMAGE_SUBSCRIPTION

PULL_SECONDS = 20.0
CALL_SECONDS = 10.0
LEASE = timedelta(seconds=30)
FOLDER = "users/ada/generations"


class Consumer:
    def __init__(self) -> None:
        project, bucket = os.environ["GOOGLE_CLOUD_PROJECT"], os.environ["EMBERFRAME_BUCKET"]
        credentials = AnonymousCredentials()
        self.database = firestore.Client(project=project, credentials=credentials)
        self.subscriber = subscriber_client(os.environ["PUBSUB_EMULATOR_HOST"])
        self.subscription = self.subscriber.subscription_path(project, IMAGE_SUBSCRIPTION)
        self.bucket = storage.Client(project=project, credentials=credentials).bucket(bucket)
        self.seconds = float(os.environ.get(JOB_VARIABLE, "0"))
        self.pixels = photo(int(os.environ[SIDE_VARIABLE]))

    def encoded(self) -> tuple[bytes, bytes]:
        """The picture and its thumbnail."""
        picture, thumbnail = io.BytesIO(), io.BytesIO()
        image = Image.fromarray(self.pixels)
        image.save(picture, "PNG")
        image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        image.save(thumbnail, "WEBP")
        return picture.getvalue(), thumbnail.getvalue()


def output(path: str) -> dict[str, Any]:
    """About as long as ours."""
    url = f"https://storage.example/{path}"
    file = {"storage_path": path, "url": url, "content_type": "image/png", "size_bytes": 1000}
    return {"image_url": url, "images": [url], "seed": 7, "files": [file]}


class Naive(Consumer):
    def serve(self) -> None:
        answer = self.subscriber.pull(
            request={"subscription": self.subscription, "max_messages": 1}, timeout=PULL_SECONDS
        )
        for received in answer.received_messages:
            path = str(GenerationMessage.from_bytes(received.message.data).path)
            self._generate(path)
            self.subscriber.acknowledge(
                request={"subscription": self.subscription, "ack_ids": [received.ack_id]}
            )

    def _generate(self, path: str) -> None:
        document = self.database.document(path)

        def claim(transaction: Any) -> bool:
            snapshot = document.get(transaction=transaction)
            if snapshot.get("status") != "queued":
                return False
            transaction.update(document, {"status": "processing"})
            return True

        if not firestore.transactional(claim)(self.database.transaction()):
            return
        time.sleep(self.seconds)
        for name, data, kind in zip(
            ("0.png", "0.thumbnail.webp"), self.encoded(), ("png", "webp"), strict=True
        ):
            blob = self.bucket.blob(f"{path}/{name}")
            blob.upload_from_string(data, content_type=f"image/{kind}")
        document.update({"status": "completed", "output": output(path)})


class Floor(Consumer):
    def __init__(self) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(2)
        self._sessions = [requests.Session() for _ in range(2)]
        self._files = self.encoded()
        self._storage = (
            f"{os.environ['STORAGE_EMULATOR_HOST']}/upload/storage/v1/b/{self.bucket.name}/o"
        )
        channel = grpc.insecure_channel(os.environ["FIRESTORE_EMULATOR_HOST"])
        self._stubs = FirestoreGrpcTransport(channel=channel)
        self._root = f"projects/{self.database.project}/databases/(default)"
        # As the client makes itself known to an emulator.
        self._calling: dict[str, Any] = {
            "timeout": CALL_SECONDS,
            "metadata": [
                ("google-cloud-resource-prefix", self._root),
                ("authorization", "Bearer owner"),
            ],
        }

    def serve(self) -> None:
        asked = types.PullRequest(subscription=self.subscription, max_messages=1)
        answer = self.subscriber.transport.pull(asked, timeout=PULL_SECONDS)
        for received in answer.received_messages:
            path = str(GenerationMessage.from_bytes(received.message.data).path)
            document = f"{self._root}/documents/{path}"
            (found,) = self._stubs.batch_get_documents(
                BatchGetDocumentsRequest(database=self._root, documents=[document]),
                **self._calling,
            )
            lease = {"token": 1, "worker_id": "floor", "expires_at": found.read_time + LEASE}
            version = self._commit(
                document, {"status": "processing", "lease": lease}, found.found.update_time
            )
            list(self._threads.map(partial(self._upload, path), (0, 1)))
            self._commit(document, {"status": "completed", "output": output(path)}, version)
            told = types.AcknowledgeRequest(
                subscription=self.subscription, ack_ids=[received.ack_id]
            )
            self.subscriber.transport.acknowledge(told, timeout=CALL_SECONDS)

    def _commit(self, document: str, fields: dict[str, Any], version: Any) -> Any:
        write = Write(
            update=Document(name=document, fields={k: _value(it) for k, it in fields.items()}),
            update_mask=DocumentMask(field_paths=list(fields)),
            current_document=Precondition(update_time=version),
        )
        request = CommitRequest(database=self._root, writes=[write])
        return self._stubs.commit(request, **self._calling).write_results[0].update_time

    def _upload(self, path: str, number: int) -> None:
        name = f"{path}/{number}"
        edge = "edge"
        head = json.dumps({"name": name, "contentType": "image/png"})
        body = b"".join(
            [
                f"--{edge}\r\ncontent-type: application/json\r\n\r\n{head}\r\n".encode(),
                f"--{edge}\r\ncontent-type: image/png\r\n\r\n".encode(),
                self._files[number],
                f"\r\n--{edge}--".encode(),
            ]
        )
        self._sessions[number].post(
            self._storage,
            params={"uploadType": "multipart", "ifGenerationMatch": "0"},
            data=body,
            headers={"content-type": f"multipart/related; boundary={edge}"},
            timeout=CALL_SECONDS,
        ).raise_for_status()


def _value(it: Any) -> Value:
    match it:
        case str():
            return Value(string_value=it)
        case int():
            return Value(integer_value=it)
        case datetime():
            return Value(timestamp_value=it)
        case list():
            return Value(array_value=ArrayValue(values=[_value(each) for each in it]))
        case dict():
            return Value(map_value=MapValue(fields={k: _value(each) for k, each in it.items()}))
    raise TypeError(type(it))


def main(kind: str) -> None:
    kinds: dict[str, type[Floor | Naive]] = {"floor": Floor, "naive": Naive}
    consumer = kinds[kind]()
    print("ready", flush=True)
    while True:
        consumer.serve()


if __name__ == "__main__":
    main(sys.argv[1])
