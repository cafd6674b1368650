"""A stream that goes silent: the watch alone, and an intake over the real client and a server."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from google.api_core import exceptions as google
from google.cloud import pubsub_v1
from google.pubsub_v1 import types

from gpu_worker.adapters.pubsub import ANSWER_SECONDS, subscriber_client
from gpu_worker.intake.pull import PullIntake
from gpu_worker.intake.stream_watch import (
    CONFIRM_SECONDS,
    QUIET_SECONDS,
    SUSPICION_SECONDS,
    Stalled,
    StreamWatch,
)
from gpu_worker.lifecycle.handled import Done, Handled
from shared.paths import GenerationPath
from tests.unit.intake.pubsub_server import DATA, NAME, PubSubServer, waiting_message
from tests.unit.lifecycle.stores import PATH, TIMEOUT_SECONDS
from tests.unit.lifecycle.world import ManualClock


class Subscriber:
    """Answers plain pulls with what waits, and records what is done with it."""

    def __init__(self, *waiting: bytes) -> None:
        self.waiting = list(waiting)
        self.pulls = 0
        self.answers: list[str] = []
        self.fault: Exception | None = None

    def pull(self, *, request: dict[str, Any], timeout: float, retry: object) -> Any:
        assert timeout > 0
        assert request["return_immediately"]
        self.pulls += 1
        if self.fault is not None:
            raise self.fault
        found = [
            SimpleNamespace(ack_id="a", message=SimpleNamespace(data=data))
            for data in self.waiting[:1]
        ]
        return SimpleNamespace(received_messages=found)

    def acknowledge(self, *, request: dict[str, Any], timeout: float, retry: object) -> None:
        self.waiting.pop(0)
        self.answers.append("ack")

    def modify_ack_deadline(
        self, *, request: dict[str, Any], timeout: float, retry: object
    ) -> None:
        self.answers.append(f"deadline {request['ack_deadline_seconds']}")


def watch_of(subscriber: Any) -> tuple[StreamWatch, ManualClock]:
    clock = ManualClock()
    return StreamWatch(subscriber, NAME, clock), clock


def test_a_stream_that_brings_nothing_while_messages_wait_has_stalled() -> None:
    subscriber = Subscriber(DATA)
    watch, clock = watch_of(subscriber)
    watch.check()
    assert subscriber.pulls == 0, "a young stream is left in peace"
    clock.advance(QUIET_SECONDS)
    watch.check()
    watch.check()
    assert subscriber.pulls == 1
    clock.advance(CONFIRM_SECONDS)
    with pytest.raises(Stalled):
        watch.check()
    assert subscriber.answers == ["deadline 0"] * 2, "what was pulled is there for others at once"


def test_a_quiet_subscription_is_looked_at_seldom_and_never_called_stalled() -> None:
    subscriber = Subscriber()
    watch, clock = watch_of(subscriber)
    for _ in range(60):
        clock.advance(QUIET_SECONDS / 2)
        watch.check()
    assert subscriber.pulls == 30


def test_a_plain_pull_that_was_only_faster_is_no_stall() -> None:
    subscriber = Subscriber(DATA)
    watch, clock = watch_of(subscriber)
    for _ in range(3):
        clock.advance(QUIET_SECONDS)
        watch.check()
        with watch.taking():
            pass
    assert subscriber.pulls == 3


def test_a_message_that_comes_again_late_is_still_the_second_one() -> None:
    """A subscription's retry policy holds back for up to a minute what was handed back."""
    subscriber = Subscriber(DATA)
    watch, clock = watch_of(subscriber)
    clock.advance(QUIET_SECONDS)
    watch.check()
    (waiting,) = subscriber.waiting
    subscriber.waiting.clear()
    for _ in range(10):
        clock.advance(CONFIRM_SECONDS)
        watch.check()
    subscriber.waiting.append(waiting)
    clock.advance(CONFIRM_SECONDS)
    with pytest.raises(Stalled):
        watch.check()


def test_suspicion_does_not_last_for_ever() -> None:
    subscriber = Subscriber(DATA)
    watch, clock = watch_of(subscriber)
    clock.advance(QUIET_SECONDS)
    watch.check()
    (waiting,) = subscriber.waiting
    subscriber.waiting.clear()
    while subscriber.pulls < 2 + SUSPICION_SECONDS / CONFIRM_SECONDS:
        clock.advance(CONFIRM_SECONDS)
        watch.check()
    pulls = subscriber.pulls
    clock.advance(QUIET_SECONDS - 1)
    watch.check()
    assert subscriber.pulls == pulls
    subscriber.waiting.append(waiting)
    clock.advance(1)
    watch.check()
    assert subscriber.pulls == pulls + 1, "the first of two again"


def test_a_stream_with_a_job_in_hand_is_left_alone_however_long_it_takes() -> None:
    subscriber = Subscriber(DATA)
    watch, clock = watch_of(subscriber)
    with watch.taking():
        clock.advance(3600)
        watch.check()
    clock.advance(QUIET_SECONDS - 1)
    watch.check()
    assert subscriber.pulls == 0


def test_a_message_that_nobody_can_read_is_dropped_on_the_way() -> None:
    subscriber = Subscriber(b"x" * 9_000_000, DATA)
    watch, clock = watch_of(subscriber)
    clock.advance(QUIET_SECONDS)
    watch.check()
    assert subscriber.answers == ["ack"]
    assert subscriber.waiting == [DATA]


def test_a_newer_release_s_message_is_handed_back() -> None:
    subscriber = Subscriber(DATA.replace(b'"schema_version":1', b'"schema_version":2'))
    watch, clock = watch_of(subscriber)
    clock.advance(QUIET_SECONDS)
    watch.check()
    assert subscriber.answers == ["deadline 0"]


def test_a_pubsub_that_is_away_is_no_stall() -> None:
    subscriber = Subscriber(DATA)
    subscriber.fault = google.ServiceUnavailable("away")
    watch, clock = watch_of(subscriber)
    for _ in range(5):
        clock.advance(QUIET_SECONDS)
        watch.check()
    assert subscriber.pulls == 5


class SilentPubSub(PubSubServer):
    """Its first stream brings nothing, though a message waits; the next one does."""

    def __init__(self) -> None:
        self.streams = self.handed_back = 0
        self.waiting = waiting_message()
        self.acknowledged = threading.Event()
        #: What each call was given, in seconds.
        self.limits: dict[str, float] = {}
        self._lock = threading.Lock()
        super().__init__()

    def delivers(self) -> bool:
        with self._lock:
            self.streams += 1
            return self.streams > 1

    def answer(self, method: str, seconds_left: float) -> bytes:
        with self._lock:
            self.limits[method] = max(seconds_left, self.limits.get(method, 0.0))
            self.handed_back += method == "ModifyAckDeadline"
        if method == "Acknowledge":
            self.acknowledged.set()
        found = types.PullResponse(received_messages=[self.waiting])
        return types.PullResponse.serialize(found) if method == "Pull" else b""


class Runner:
    def __init__(self) -> None:
        self.handled: list[GenerationPath] = []

    def handle(self, path: GenerationPath) -> Handled:
        self.handled.append(path)
        return Done()


def test_an_intake_opens_another_stream_in_a_stalled_one_s_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pubsub, runner, ticks = SilentPubSub(), Runner(), set[str]()
    try:
        with subscriber_client(pubsub.address) as subscriber:
            intake = PullIntake(
                subscriber,
                [NAME],
                runner,
                slots=1,
                on_tick=ticks.add,
                tick_seconds=0.05,
                quiet_seconds=0.2,
                confirm_seconds=0.1,
            )
            running = threading.Thread(target=intake.run)
            running.start()
            try:
                assert pubsub.acknowledged.wait(TIMEOUT_SECONDS)
            finally:
                intake.stop()
                running.join(TIMEOUT_SECONDS)
            assert not running.is_alive()
    finally:
        pubsub.close()
    assert runner.handled == [PATH]
    assert pubsub.streams == 2
    assert pubsub.handed_back >= 2
    assert ticks == {NAME}
    for method in ("Acknowledge", "ModifyAckDeadline"):
        # grpc's clocks are not exact.
        assert 0 < pubsub.limits[method] < ANSWER_SECONDS + 1, "the stream's own calls, too"
    breaks = [it for it in caplog.records if it.levelname == "WARNING"]
    assert [vars(it)["fields"]["error"] for it in breaks] == ["Stalled"]


def test_the_emulator_s_client_takes_answers_of_any_size_as_google_s_does() -> None:
    """The library's own bound of 4 MiB holds for emulators only."""
    pubsub = SilentPubSub()
    pubsub.waiting = waiting_message(b"x" * 9_000_000)
    try:
        with subscriber_client(pubsub.address) as subscriber:
            assert isinstance(subscriber, pubsub_v1.SubscriberClient)
            answer = subscriber.pull(
                subscription=NAME, max_messages=1, timeout=TIMEOUT_SECONDS, retry=None
            )
    finally:
        pubsub.close()
    assert len(answer.received_messages[0].message.data) == 9_000_000
