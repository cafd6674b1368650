"""What Pub/Sub is answered: a real client against the real server, over the lifecycle in memory."""

import asyncio
import base64
import json
import logging
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.requests import Request

from gpu_worker.engine.specs import PICTURE_TASKS
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.intake import push_body
from gpu_worker.intake.delivery import FAULT_SECONDS, NEWER_SCHEMA_SECONDS
from gpu_worker.lifecycle.handled import Done, Later
from shared.lease import LEASE_SECONDS
from shared.paths import GenerationPath
from tests.unit.intake.pushing import Answers, Raw, envelope, message, pushing, said
from tests.unit.lifecycle.stores import PATH, TIMEOUT_SECONDS
from tests.unit.lifecycle.world import PROMPT, World, crashing, held

OTHER = GenerationPath(uid="ada", generation_id="g2")


@pytest.mark.parametrize("body", [envelope(message()), message()], ids=["wrapped", "unwrapped"])
def test_a_finished_generation_s_message_is_acknowledged(world: World, body: bytes) -> None:
    world.submit()
    with pushing(world.worker().runner) as served:
        assert served.push(body).status_code == 204
    assert world.documents.data()["status"] == "completed"


def test_a_message_of_nothing_to_do_is_acknowledged(world: World) -> None:
    with pushing(world.worker().runner) as served:
        assert served.push().status_code == 204, "its document is gone"
        world.submit(status="cancelled")
        assert served.push().status_code == 204


def test_an_unwrapped_message_needs_no_content_type(world: World) -> None:
    world.submit()
    with pushing(world.worker().runner) as served:
        assert served.client.post("/push", content=message()).status_code == 204


@pytest.mark.parametrize(("seconds", "said_seconds"), [(0, "0"), (0.2, "1"), (29.1, "30")])
def test_a_message_for_later_is_not_acknowledged(seconds: float, said_seconds: str) -> None:
    with pushing(Answers(Later(seconds=seconds))) as served:
        response = served.push()
    assert response.status_code == 503
    assert response.headers["retry-after"] == said_seconds
    assert "connection" not in response.headers


def test_a_failed_attempt_comes_again(world: World) -> None:
    world.submit()
    with pushing(world.worker(crashing).runner) as served:
        assert served.push().status_code == 503
        assert world.documents.data()["status"] == "queued"
        soon = served.push()
        assert soon.status_code == 503
        assert world.documents.data()["attempt"] == 1, "its backoff is in the document"


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff", b"[]", b"{", b'{"schema_version": 1}', b"[" * 20_000, b"1" * 5000),
        *(b'{"message": null}', b'{"message": {}}', b'{"message": {"data": 1}}', b'{"message": 1}'),
        *(b'{"message": {"data": "*"}}', '{"message": {"data": "ä"}}'.encode()),
        *(envelope(b""), envelope(b"\xff"), envelope(b"{}"), envelope(envelope(message()))),
        envelope(message(), padding="x" * push_body.MAX_BODY_BYTES),
        b"x" * (push_body.MAX_BODY_BYTES + 1),
    ],
    ids=lambda body: f"{body[:20]!r}",
)
def test_what_no_delivery_makes_readable_is_acknowledged_and_said(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    runner = Answers(Done())
    with pushing(runner) as served:
        assert served.push(body).status_code == 204
    assert runner.handled == []
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert caplog.messages[0].startswith("dropped a message: ")


def test_the_largest_body_of_ours_is_read() -> None:
    runner = Answers(Done())
    bare = len(envelope(message(), padding=""))
    body = envelope(message(), padding="x" * (push_body.MAX_BODY_BYTES - bare))
    assert len(body) == push_body.MAX_BODY_BYTES
    with pushing(runner) as served:
        assert served.push(body).status_code == 204
    assert runner.handled == [PATH]


def test_a_body_that_is_too_long_is_no_message_though_it_begins_with_one() -> None:
    chunks = [message(), b" " * push_body.MAX_BODY_BYTES]

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    assert asyncio.run(push_body.within_bounds(request)) is None


def test_more_than_pub_sub_can_send_is_not_heard_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(push_body, "MAX_HEARD_BYTES", 100_000)
    with pushing(Answers(Done())) as served, Raw(served.port) as raw:
        raw.push(b"x" * 100_001, length=10**9)
        assert raw.answer().startswith(b"HTTP/1.1 413 ")


def test_a_newer_release_s_message_is_left_to_it() -> None:
    newer = message().replace(b'"schema_version":1', b'"schema_version":2')
    with pushing(Answers(Done())) as served:
        response = served.push(envelope(newer))
    assert response.status_code == 503
    assert response.headers["retry-after"] == str(NEWER_SCHEMA_SECONDS)


def test_a_fault_in_one_message_puts_it_off_and_harms_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runner = Answers(ZeroDivisionError(PROMPT))
    with pushing(runner, slots=1) as served:
        response = served.push()
        runner.answer = Done()
        assert served.push().status_code == 204
    assert (response.status_code, response.headers["retry-after"]) == (503, str(FAULT_SECONDS))
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1
    assert PROMPT not in caplog.text


def test_a_full_worker_says_so_at_once_and_a_free_one_takes_the_message(world: World) -> None:
    world.submit()
    world.submit(OTHER)
    worker = world.worker(held)
    with pushing(worker.runner, slots=1) as served, ThreadPoolExecutor(1) as pool:
        first = pool.submit(served.push)
        worker.wait_held()
        full = served.push(envelope(message(OTHER)))
        assert (full.status_code, said(full, "retry-after")) == (429, {"retry-after": "10"})
        assert world.documents.data(OTHER)["status"] == "queued"
        worker.release()
        assert first.result(TIMEOUT_SECONDS).status_code == 204
        again = pool.submit(served.push, envelope(message(OTHER)))
        worker.wait_held(path=OTHER)
        worker.release(path=OTHER)
        assert again.result(TIMEOUT_SECONDS).status_code == 204
    assert world.documents.data(OTHER)["status"] == "completed"


def test_there_are_as_many_jobs_in_hand_as_slots(world: World) -> None:
    paths = [GenerationPath(uid="ada", generation_id=f"g{number}") for number in range(5)]
    for path in paths:
        world.submit(path)
    worker = world.worker(held)
    with pushing(worker.runner, slots=3) as served, ThreadPoolExecutor(3) as pool:
        taken = [pool.submit(served.push, envelope(message(path))) for path in paths[:3]]
        world.documents.wait_for_writes(lambda it: it.get("status") == "processing", 3)
        for path in paths[3:]:
            assert served.push(envelope(message(path))).status_code == 429
        worker.engine.close()
        assert {it.result(TIMEOUT_SECONDS).status_code for it in taken} == {503}


def test_a_message_delivered_twice_at_once_is_drawn_once(world: World) -> None:
    world.submit()
    worker = world.worker(held)
    with pushing(worker.runner) as served, ThreadPoolExecutor(1) as pool:
        first = pool.submit(served.push)
        worker.wait_held()
        second = served.push()
        assert second.status_code == 503, "the job may yet need its message"
        assert second.headers["retry-after"] == f"{LEASE_SECONDS:.0f}"
        worker.release()
        assert first.result(TIMEOUT_SECONDS).status_code == 204
        assert served.push().status_code == 204
    assert len(worker.engine.ran) == 1


def test_a_message_delivered_to_two_workers_is_drawn_once(world: World) -> None:
    world.submit()
    worker, idle = world.worker(held, name="a"), world.worker(name="b")
    with (
        pushing(worker.runner) as served,
        pushing(idle.runner) as elsewhere,
        ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(served.push)
        worker.wait_held()
        assert elsewhere.push().status_code == 503
        worker.release()
        assert first.result(TIMEOUT_SECONDS).status_code == 204
        assert elsewhere.push().status_code == 204
    assert idle.engine.ran == []


def test_a_job_goes_on_when_its_request_is_cut_and_keeps_its_slot(world: World) -> None:
    world.submit()
    world.submit(OTHER)
    worker = world.worker(held)
    with pushing(worker.runner, slots=2) as served:
        with Raw(served.port) as raw:
            raw.push(envelope(message()))
            worker.wait_held()
        assert served.push().status_code == 503, "the message comes again, its job is under way"
        with Raw(served.port) as raw:
            raw.push(envelope(message(OTHER)))
            world.documents.wait_for_writes(lambda it: it.get("status") == "processing", 2)
        assert served.push().status_code == 429, "no request is open, and yet both slots are taken"
        worker.release()
        world.documents.wait_for_writes(lambda it: it.get("status") == "completed")
        worker.wait_held(path=OTHER)
        worker.release(path=OTHER)
        world.documents.wait_for_writes(lambda it: it.get("status") == "completed", 2)
    with pushing(world.worker(name="another").runner) as served:
        assert served.push().status_code == 204
    assert len(worker.engine.ran) == 2


def test_a_film_that_comes_here_is_refused_for_good(world: World) -> None:
    """As any worker without a film model does: its topic is subscribed by mistake."""
    world.submit(input={"task_type": "text2video", "prompt": PROMPT})
    worker = world.worker(engine=InMemoryEngine(tasks=PICTURE_TASKS))
    with pushing(worker.runner) as served:
        assert served.push().status_code == 204
    data = world.documents.data()
    assert (data["status"], data["error"]["code"]) == ("failed", "unsupported_task")


def test_how_long_its_parts_took_is_said_with_each_answer(world: World) -> None:
    world.submit()
    with pushing(world.worker().runner) as served:
        parts = served.push().headers["server-timing"].split(", ")
    names, times = zip(*(part.split(";dur=") for part in parts), strict=True)
    assert names == ("sender", "body", "handle")
    assert all(0 <= float(it) < TIMEOUT_SECONDS * 1000 for it in times)


def test_nothing_of_a_request_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    secrets = ["a-token-nobody-may-log", "an-attribute-nobody-may-log", "a-query-nobody-may-log"]
    world.submit()
    body = json.loads(envelope(message()))
    body["message"]["attributes"]["note"] = secrets[1]
    caplog.set_level(logging.DEBUG)
    with pushing(world.worker().runner) as served:
        for sent in (json.dumps(body).encode(), base64.b64encode(secrets[1].encode())):
            response = served.client.post(
                f"/push?token={secrets[2]}",
                content=sent,
                headers={"Authorization": f"Bearer {secrets[0]}"},
            )
            assert response.status_code == 204
    ours = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("http")
    )
    assert "dropped a message" in ours
    assert not any(it in ours for it in [*secrets, PROMPT])
