"""Places in the line through the real function: told at acceptance, and anew by the minute's run.

On the stack's own project, where other tests' generations may wait too: so numbers are compared
with each other, not with fixed ones.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest
from google.cloud import firestore

from shared.kinds import Kind
from shared.paths import QUEUE_DOCUMENT
from tests.emulator.conftest import Await, Phone
from tests.rules.firestore_rest import REQUEST_TIME
from tools.stack import Stack
from tools.stack.schedule import SWEEP, scheduled_url

pytestmark = pytest.mark.stack

#: The function's process starts with its first call.
CALL_TIMEOUT_SECONDS = 60
TRIES = 10


def minute(stack: Stack) -> None:
    url = scheduled_url(stack.emulators["functions"], SWEEP)
    answer = httpx.post(url, timeout=CALL_TIMEOUT_SECONDS)
    assert answer.is_success, answer.text


def check_two_were_told(places: Sequence[int], *, tries: int) -> None:
    """Raises `AssertionError` with how many acceptances told where they stand."""
    assert len(places) >= 2, (
        f"{len(places)} of {tries} acceptances were told a place, and at least 2 should be: "
        "the function's looks at the line fail, or take longer than it waits for them"
    )


@pytest.mark.parametrize("places", [[], [7]])
def test_where_too_few_are_told_a_sentence_says_so(places: list[int]) -> None:
    with pytest.raises(AssertionError, match=f"{len(places)} of 10 acceptances were told a place"):
        check_two_were_told(places, tries=10)


def test_who_waits_is_told_at_acceptance_and_anew_by_the_minute_s_run(
    phone: Phone, stack: Stack, firestore_client: firestore.Client, document_once: Await
) -> None:
    minute(stack)
    before = datetime.now(UTC)
    places: list[int] = []
    path = ""
    # An acceptance does not wait for its place: in a function that has just begun, or on a busy
    # machine, some are not told.
    for _ in range(TRIES):
        if len(places) == 2:
            break
        path = phone.path()
        created = {"input": {"prompt": "x"}, "status": "pending", "created_at": REQUEST_TIME}
        assert phone.firestore.create(path, created).is_success
        accepted = document_once(path, "queued")
        assert accepted["kind"] == Kind.IMAGE
        if "queue" in accepted:
            places.append(accepted["queue"]["ahead"])
    check_two_were_told(places, tries=TRIES)
    assert places[1] > places[0] >= 0

    reference = firestore_client.document(path)
    reference.update({"queue": {"ahead": 10**6}})
    minute(stack)
    told = reference.get().to_dict()
    assert places[0] < told["queue"]["ahead"] < 10**6
    measured = firestore_client.document(QUEUE_DOCUMENT).get().to_dict()
    assert measured["updated_at"] > before
    assert measured["image"]["waiting"] >= 2
    assert measured["image"]["oldest"] <= told["created_at"]


def test_a_worker_that_says_it_is_there_makes_an_estimate_of_the_wait(
    phone: Phone, stack: Stack, firestore_client: firestore.Client, document_once: Await
) -> None:
    worker = firestore_client.document(f"system/workers/live/{uuid4().hex}")
    said = {"state": "busy", "kinds": ["image"], "seconds_per_job": {"image": 7.5}}
    worker.set({**said, "updated_at": firestore.SERVER_TIMESTAMP})
    try:
        path = phone.path()
        created = {"input": {"prompt": "x"}, "status": "pending", "created_at": REQUEST_TIME}
        assert phone.firestore.create(path, created).is_success
        document_once(path, "queued")
        minute(stack)
        place = firestore_client.document(path).get().to_dict()["queue"]
        measured = firestore_client.document(QUEUE_DOCUMENT).get().to_dict()["image"]
        assert measured["workers"] >= 1
        assert measured["seconds_per_job"] > 0
        assert place["eta_seconds"] <= (place["ahead"] + 1) * measured["seconds_per_job"]
    finally:
        worker.delete()
