"""Who gets in, and what those who do not can keep a worker from: time, memory, connections."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from gpu_worker.adapters.push_tokens import PubSubTokens
from gpu_worker.health import ALIVE_SECONDS, Health
from gpu_worker.intake.http_server import MAX_HEAD_BYTES
from gpu_worker.intake.refusals import QUIET_SECONDS, Refusals
from gpu_worker.lifecycle.handled import Done
from tests.unit.intake.conftest import claims, header
from tests.unit.intake.google_keys import KeyServer, Signer
from tests.unit.intake.pushing import Answers, Pushing, Raw, Slow, message, pushing, said
from tests.unit.lifecycle.stores import TIMEOUT_SECONDS
from tests.unit.lifecycle.world import ManualClock

#: For bounds that a test waits to pass.
SOON = 0.2


def authorized(signer: Signer, **changes: object) -> dict[str, str]:
    return {"Authorization": "Bearer " + signer.token(header(), claims(**changes))}


def test_our_subscription_gets_in_and_nobody_else(
    sender: PubSubTokens, google: Signer, mallory: Signer, caplog: pytest.LogCaptureFixture
) -> None:
    runner = Answers(Done())
    strangers = [
        {},
        {"Authorization": "Bearer x.y.z"},
        authorized(mallory),
        authorized(google, aud="https://worker.example/other"),
        authorized(google, email="somebody@demo-emberframe.iam.gserviceaccount.com"),
    ]
    with pushing(runner, sender=sender) as served:
        answers = [served.push(headers=it) for it in strangers]
        assert runner.handled == []
        assert served.push(headers=authorized(google)).status_code == 204
    assert {(it.status_code, it.text) for it in answers} == {
        (403, "Only our subscription is served.")
    }
    assert len(runner.handled) == 1
    assert not any(it.get("Authorization", "Bearer -")[7:] in caplog.text for it in strangers)


def test_a_stranger_s_body_is_not_read(sender: PubSubTokens) -> None:
    with pushing(Answers(Done()), sender=sender) as served, Raw(served.port) as raw:
        raw.push(b"", length=10**9)
        assert raw.answer().startswith(b"HTTP/1.1 403 ")


def test_while_nobody_can_be_judged_the_message_has_to_come_again(
    sender: PubSubTokens, server: KeyServer, google: Signer
) -> None:
    server.status = 500
    runner = Answers(Done())
    with pushing(runner, sender=sender) as served:
        response = served.push(headers=authorized(google))
    assert response.status_code == 503
    assert said(response, "retry-after", "connection") == {
        "retry-after": "10",
        "connection": "close",
    }
    assert runner.handled == []


def test_probes_are_answered_while_a_source_of_keys_is_waited_for() -> None:
    slow = Slow()
    with pushing(Answers(Done()), sender=slow) as served, ThreadPoolExecutor(1) as pool:
        pushed = pool.submit(served.push)
        assert slow.asked.wait(TIMEOUT_SECONDS)
        assert served.ready() == 200
        slow.answer.set()
        assert pushed.result(TIMEOUT_SECONDS).status_code == 204


def test_what_cloud_run_has_taken_the_signature_of_is_told_apart(
    sender: PubSubTokens, google: Signer, caplog: pytest.LogCaptureFixture
) -> None:
    token, _, _ = google.token(header(), claims()).rpartition(".")
    stripped = {"Authorization": f"Bearer {token}.SIGNATURE_REMOVED_BY_GOOGLE"}
    with pushing(Answers(Done()), sender=sender) as served:
        assert served.push(headers=stripped).status_code == 403
    assert "must allow unauthenticated calls" in caplog.text


def test_refusals_are_told_now_and_then_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    refusals = Refusals(clock)
    for _ in range(100):
        refusals.add("it has no bearer token")
    clock.advance(QUIET_SECONDS)
    refusals.add("its token is none")
    assert [record.__dict__["fields"] for record in caplog.records] == [
        {"refused": 1},
        {"refused": 100},
    ]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("GET", "/push", 405), ("PUT", "/push", 405), ("HEAD", "/push", 405)),
        *(("POST", "/", 404), ("POST", "/push/", 404), ("POST", "/push/x", 404)),
        *(
            ("GET", "/", 404),
            ("GET", "/docs", 404),
            ("POST", "/ready", 405),
            ("POST", "/alive", 405),
        ),
    ],
)
def test_only_what_there_is_is_served(method: str, path: str, status: int) -> None:
    runner = Answers(Done())
    with pushing(runner) as served:
        assert served.client.request(method, path, content=message()).status_code == status
    assert runner.handled == []


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        *(("application/json; charset=utf-8", 204), ("Application/JSON", 204)),
        *(
            ("text/plain", 415),
            ("multipart/form-data; boundary=x", 415),
            ("application/jsonx", 415),
        ),
        ("application/x-www-form-urlencoded", 415),
    ],
)
def test_a_body_of_another_kind_is_refused(content_type: str, status: int) -> None:
    """What a web page may send without asking is: a developer's browser must push nothing."""
    with pushing(Answers(Done())) as served:
        assert served.push(headers={"Content-Type": content_type}).status_code == status


@pytest.mark.parametrize(
    ("state", "ready"), [(Health.STARTING, 503), (Health.READY, 200), (Health.DRAINING, 503)]
)
def test_messages_are_taken_only_while_a_model_is_loaded(state: Health, ready: int) -> None:
    runner = Answers(Done())
    with pushing(runner) as served:
        served.health.write(state)
        response = served.push()
        assert served.ready() == ready
        alive = served.client.get("/alive")
    assert (alive.status_code, alive.json()) == (200, {"alive": True, "state": state.value})
    assert response.status_code == (204 if ready == 200 else 503)
    assert len(runner.handled) == (1 if ready == 200 else 0)


def test_a_worker_whose_loop_is_stuck_is_not_alive() -> None:
    clock = ManualClock()
    with pushing(Answers(Done()), clock=clock) as served:
        clock.advance(ALIVE_SECONDS)
        assert served.client.get("/alive").status_code == 503
        assert served.ready() == 503


def hung_up_on(served: Pushing, *sent: bytes) -> bytes:
    """What somebody is answered who sends that and then nothing."""
    with Raw(served.port) as raw:
        for it in sent:
            raw.send(it)
        return raw.answer()


@pytest.mark.parametrize(
    "sent",
    [b"", b"P", b"POST /push HTTP/1.1\r\nHost: worker\r\nX-Slow: "],
    ids=["none", "one", "half"],
)
def test_who_does_not_say_what_they_want_is_hung_up_on(sent: bytes) -> None:
    with pushing(Answers(Done()), head_seconds=SOON) as served:
        assert hung_up_on(served, sent) == b""


def test_a_second_request_has_no_longer_to_arrive_than_the_first() -> None:
    with pushing(Answers(Done()), head_seconds=SOON) as served, Raw(served.port) as raw:
        assert raw.ask("/alive") == 200
        raw.send(b"GET /alive")
        assert raw.answer() == b""


def test_a_connection_that_has_asked_once_may_rest_for_longer() -> None:
    with pushing(Answers(Done()), head_seconds=SOON) as served, Raw(served.port) as raw:
        assert raw.ask("/alive") == 200
        assert hung_up_on(served) == b"", "the time of a head is over"
        assert raw.ask("/alive") == 200


def test_a_request_that_came_in_time_may_take_its_time_then() -> None:
    """The bound is on asking, not on being answered."""
    bounds = {"head_seconds": SOON, "body_seconds": 3 * SOON}
    with pushing(Answers(Done()), **bounds) as served, Raw(served.port) as raw:
        raw.push(b"", length=1000)
        assert raw.answer().startswith(b"HTTP/1.1 408 ")


def test_a_body_that_does_not_come_gives_its_place_away() -> None:
    runner = Answers(Done())
    with pushing(runner, slots=1, body_seconds=SOON) as served, Raw(served.port) as raw:
        raw.push(b'{"message', length=1000)
        assert served.push().status_code == 204, "it holds no slot"
        assert raw.answer().startswith(b"HTTP/1.1 408 ")
    assert len(runner.handled) == 1


def test_connections_beyond_their_bound_are_closed_unheard() -> None:
    with (
        pushing(Answers(Done()), max_connections=2) as served,
        Raw(served.port) as first,
        Raw(served.port) as second,
    ):
        assert [first.ask("/alive"), second.ask("/alive")] == [200, 200]
        asking = b"GET /alive HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n"
        assert hung_up_on(served, asking) == b""
        assert [first.ask("/ready"), second.ask("/ready")] == [200, 200]


def test_a_head_beyond_its_bound_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    with pushing(Answers(Done())) as served:
        long = b"GET /alive HTTP/1.1\r\nHost: worker\r\nX-Long: " + b"x" * MAX_HEAD_BYTES
        assert hung_up_on(served, long).startswith(b"HTTP/1.1 400 ")
        assert hung_up_on(served, b"\x16\x03\x01 no HTTP\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert [it for it in caplog.records if it.levelno >= logging.WARNING] == []


def test_nobody_is_told_what_serves(sender: PubSubTokens) -> None:
    with pushing(Answers(Done())) as served:
        assert "server" not in served.client.get("/alive").headers
