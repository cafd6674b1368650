"""The real stack serves: topics are there, functions fire, rules hold."""

import threading

import httpx
import pytest

from tests.stack.caller import Caller
from tests.stack.log_lines import log_lines
from tools.stack import Stack
from tools.stack.names import DEAD_LETTERS, MAX_DELIVERY_ATTEMPTS, SUBSCRIPTIONS

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def caller(stack: Stack) -> Caller:
    return Caller(stack)


def test_topics_and_subscriptions_are_there(stack: Stack) -> None:
    answer = httpx.get(f"http://{stack.pubsub}/v1/projects/{stack.project}/subscriptions").json()
    found = {
        each["topic"].rpartition("/")[2]: each["name"].rpartition("/")[2]
        for each in answer["subscriptions"]
    }
    assert found == {**SUBSCRIPTIONS, **{dead: dead for dead in DEAD_LETTERS.values()}}


def test_what_is_delivered_too_often_is_set_aside(stack: Stack) -> None:
    answer = httpx.get(f"http://{stack.pubsub}/v1/projects/{stack.project}/subscriptions").json()
    policies = {
        each["topic"].rpartition("/")[2]: each["deadLetterPolicy"]
        for each in answer["subscriptions"]
        if "deadLetterPolicy" in each
    }
    assert {
        topic: (policy["deadLetterTopic"].rpartition("/")[2], policy["maxDeliveryAttempts"])
        for topic, policy in policies.items()
    } == {topic: (dead, MAX_DELIVERY_ATTEMPTS) for topic, dead in DEAD_LETTERS.items()}


def test_a_created_document_reaches_the_function(stack: Stack, caller: Caller) -> None:
    heard = threading.Event()
    with log_lines(stack.log_files["firebase"]) as lines:

        def listen() -> None:
            for line in lines:
                if "told of first" in line:
                    heard.set()
                    return

        listener = threading.Thread(target=listen)
        listener.start()
        assert caller.create(f"users/{caller.uid}/generations/first", {}) == 200
        assert heard.wait(timeout=30)
    listener.join()


def test_firestore_rules_are_in_force(caller: Caller) -> None:
    assert caller.create("users/somebody-else/generations/theirs", {}) == 403


def test_storage_rules_tell_owner_size_and_type(caller: Caller) -> None:
    own = f"users/{caller.uid}"
    assert caller.upload(f"{own}/fits.png") == 200
    assert caller.upload("users/somebody-else/fits.png") == 403
    assert caller.upload(f"{own}/large.png", b"x" * 16) == 403
    assert caller.upload(f"{own}/text.png", content_type="text/plain") == 403


def test_a_storage_rule_may_read_two_documents(caller: Caller) -> None:
    for name, is_open in (("one", True), ("two", True), ("shut", False)):
        fields: dict[str, object] = {"open": {"booleanValue": is_open}}
        assert caller.create(f"users/{caller.uid}/cards/{name}", fields) == 200
    assert caller.upload("shared/one/two") == 200
    assert caller.upload("shared/one/shut") == 403
    assert caller.upload("shared/shut/one") == 403
    assert caller.upload("shared/one/absent") == 403
