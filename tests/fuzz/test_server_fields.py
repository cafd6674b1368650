"""Junk in the fields that only the server writes, as an admin or a bug may leave it there."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.in_memory import InMemoryPublisher
from shared.lease import MAX_LEASE_SECONDS
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC
from shared.status import Status
from tests.unit.lifecycle.stores import PATH
from tests.unit.lifecycle.world import World
from trigger.enqueue import enqueue
from trigger.settling import settle

#: Deliveries and sweeps, with more than a lease between them: tries, backoffs and lapses included.
ROUNDS = 6
MOMENTS = st.datetimes(timezones=st.just(UTC))
NUMBERS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    NUMBERS,
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=4),
    MOMENTS,
)
#: Of every type that Firestore stores and its client reads.
JUNK = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=8), SCALARS)


def spoilt(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Of the right type as often as not: `right | JUNK` would mostly be junk."""
    return st.booleans().flatmap(lambda good: right if good else JUNK)


def mapping(fields: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    return spoilt(st.fixed_dictionaries({}, optional={it: spoilt(fields[it]) for it in fields}))


FIELDS = st.fixed_dictionaries(
    {
        "lease": mapping(
            {"token": NUMBERS, "worker_id": st.text(max_size=8), "expires_at": MOMENTS}
        ),
        "attempt": spoilt(NUMBERS),
    },
    optional={
        "cancel_requested": JUNK,
        "error": JUNK,
        "queued_at": spoilt(MOMENTS),
        "sweep_after": spoilt(MOMENTS),
        "not_before": spoilt(MOMENTS),
        "charge": mapping({"credits": NUMBERS, "day": st.text(max_size=12)}),
        "progress": JUNK,
    },
)


@pytest.fixture(scope="module")
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@settings(max_examples=300)
@given(status=st.sampled_from(Status), fields=FIELDS)
def test_whatever_stands_there_the_generation_comes_to_an_end(
    threads: ThreadPoolExecutor, status: Status, fields: Mapping[str, Any]
) -> None:
    world = World(threads, threads)
    publisher = InMemoryPublisher((IMAGE_TOPIC, VIDEO_TOPIC))
    world.submit(status=status.value, **fields)
    worker = world.worker()
    for _ in range(ROUNDS):
        enqueue(str(PATH), {"status": "pending"}, documents=world.documents, publisher=publisher)
        worker.handle()
        settle(str(PATH), documents=world.documents, publisher=publisher)
        world.clock.advance(MAX_LEASE_SECONDS)
    assert Status(world.documents.data()["status"]).terminal
    world.close()
