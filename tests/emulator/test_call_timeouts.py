"""No call of a worker's waits for ever: each is recorded on its way out, with its time limit."""

import io
import queue
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
import requests
from google.cloud import firestore
from PIL import Image

from gpu_worker.deployment import wire
from gpu_worker.in_memory_engine import InMemoryEngine, Script
from gpu_worker.lifecycle.handled import Done, Handled, Later
from gpu_worker.lifecycle.runner import GenerationRunner
from gpu_worker.loras import Loras
from gpu_worker.settings import Settings
from shared.message import GenerationMessage
from shared.paths import GenerationPath
from tests.emulator.lanes import TIMEOUT_SECONDS, Lane, Running
from tools.stack import Stack
from tools.stack.names import REPOSITORY

#: Seconds that one try of each call may take, as docs/architecture/10 says.
BOUNDS = {
    "Firestore/BatchGetDocuments": 4.0,
    "Firestore/Commit": 4.0,
    "Subscriber/Acknowledge": 10.0,
    "Subscriber/ModifyAckDeadline": 10.0,
    "Subscriber/Pull": 6.0,
    "Storage": 30.0,
}
#: It lives as long as a job, and is watched otherwise.
STREAMS = {"Firestore/Listen"}
PROJECT = "call-timeouts"
GRPC_CALLS = ("_UnaryUnary", "_UnaryStream", "_StreamUnary", "_StreamStream")


class Calls:
    """The calls of this process to Google's services or their emulators."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, float | None]] = []
        self._changed = threading.Condition()

    def once_made(self, call: str) -> Script:
        """A job's script that begins after such a call."""
        with self._changed:
            assert self._changed.wait_for(lambda: call in dict(self.seen), TIMEOUT_SECONDS), (
                self.seen
            )
        return Script()

    def _saw(self, call: str, timeout: float | None) -> None:
        with self._changed:
            self.seen.append((call, timeout))
            self._changed.notify_all()

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        for kind in GRPC_CALLS:
            self._patch_grpc(patch, getattr(grpc._channel, f"{kind}MultiCallable"))
        single = grpc._channel._SingleThreadedUnaryStreamMultiCallable
        self._patch_grpc(patch, single)
        send = requests.adapters.HTTPAdapter.send

        def recorded(adapter: Any, request: Any, **options: Any) -> Any:
            self._saw("Storage", _seconds(options.get("timeout")))
            return send(adapter, request, **options)

        patch.setattr(requests.adapters.HTTPAdapter, "send", recorded)

    def _patch_grpc(self, patch: pytest.MonkeyPatch, kind: Any) -> None:
        for name in ("__call__", "with_call", "future"):
            original = getattr(kind, name, None)
            if original is not None:
                patch.setattr(kind, name, self._recording(original))

    def _recording(self, original: Any) -> Any:
        def call(callable_: Any, request: Any, timeout: float | None = None, **options: Any) -> Any:
            method = callable_._method
            method = method.decode() if isinstance(method, bytes) else method
            # "/google.firestore.v1.Firestore/Commit"
            self._saw(method.rpartition(".")[2], timeout)
            return original(callable_, request, timeout=timeout, **options)

        return call


def _seconds(timeout: Any) -> float | None:
    parts = timeout if isinstance(timeout, tuple) else (timeout,)
    return None if None in parts else max(parts)


@pytest.fixture
def calls() -> Iterator[Calls]:
    with pytest.MonkeyPatch.context() as patch:
        calls = Calls()
        calls.patch(patch)
        yield calls


class Told:
    """A runner that tells when a message was handled, and then has it put off if it is `late`."""

    def __init__(self, runner: GenerationRunner) -> None:
        self.late = False
        self._runner = runner
        self.handled: queue.SimpleQueue[Handled] = queue.SimpleQueue()

    def handle(self, path: GenerationPath) -> Handled:
        handled = self._runner.handle(path)
        self.handled.put(handled)
        return Later(seconds=60) if self.late else handled


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "PNG")
    return file.getvalue()


@pytest.mark.stack
def test_every_call_of_a_generation_s_life_has_a_time_limit_of_its_role(
    stack: Stack, lane: Lane, calls: Calls
) -> None:
    path = GenerationPath(uid="timeouts", generation_id=lane.topic.rpartition("/")[2])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.env().items():
            patch.setenv(name, value)
        # Not the stack's own: its functions are not to look at the document.
        patch.setenv("GOOGLE_CLOUD_PROJECT", PROJECT)
        patch.setenv("EMBERFRAME_BUCKET", stack.bucket)
        phone = firestore.Client(project=PROJECT)
        # The watch begins only when a job has lasted a moment.
        engine: Any = InMemoryEngine(lambda _: calls.once_made("Firestore/Listen"))
        wiring = wire(Settings(), engine, Loras())
    own = f"users/{path.uid}/inputs/{path.generation_id}.png"
    wiring.objects.create(own, png(), content_type="image/png")
    document = {
        "input": {"prompt": "a circle", "image_url": f"gs://{stack.bucket}/{own}"},
        "status": "queued",
        "created_at": firestore.SERVER_TIMESTAMP,
    }
    phone.document(str(path)).create(document, timeout=TIMEOUT_SECONDS, retry=None)
    calls.seen.clear()
    lane.subscribe()
    told: Any = Told(GenerationRunner(wiring))
    message = GenerationMessage(path=path).to_bytes()
    for told.late in (False, True):
        with Running(lane, told):
            lane.publisher.publish(lane.topic, message).result(TIMEOUT_SECONDS)
            assert told.handled.get(timeout=TIMEOUT_SECONDS) == Done()
    snapshot = wiring.documents.read(str(path))
    assert snapshot is not None
    assert snapshot.data["status"] == "completed", snapshot.data.get("error")
    for file in snapshot.data["output"]["files"]:
        wiring.objects.delete(file["storage_path"])
    wiring.objects.delete(own)
    phone.close()

    ours = [(call, limit) for call, limit in calls.seen if not call.startswith("Publisher/")]
    made = {call for call, _ in ours} - {"Subscriber/CreateSubscription"}
    assert made == set(BOUNDS) | STREAMS
    unbounded = [
        (call, limit)
        for call, limit in ours
        if call in BOUNDS and (limit is None or not 0 < limit <= BOUNDS[call])
    ]
    assert unbounded == []


def test_the_table_in_the_docs_has_every_call_and_its_time_limit() -> None:
    page = (REPOSITORY / "docs/architecture/10-staying-alive.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("|")]
    for call, seconds in BOUNDS.items():
        words = call.split("/")
        row = next((it for it in rows if all(word in it for word in words)), None)
        assert row is not None, f"no row tells of {call}"
        assert f"{seconds:g} s" in row
    for call in STREAMS:
        assert any(all(word in it for word in call.split("/")) for it in rows), call
