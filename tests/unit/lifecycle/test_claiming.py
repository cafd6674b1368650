"""`take` on its own, and documents that cannot be claimed."""

from datetime import timedelta

import pytest

from gpu_worker.lifecycle.handled import Done, Later
from gpu_worker.lifecycle.runner import FAULT_RETRY_SECONDS, MAX_FAULTS
from gpu_worker.lifecycle.take import MAX_ROUNDS, Nothing, NotNow
from shared.errors import InvalidInput
from shared.ports import Changes, Conflict, NotInput, Rejected, Unavailable
from shared.stored_size import MAX_DOCUMENT_BYTES
from tests.unit.lifecycle.claims import claim, claimed
from tests.unit.lifecycle.stores import PATH
from tests.unit.lifecycle.world import INPUT, PROMPT, START, ManualClock, World


def test_a_claim_writes_status_lease_and_attempt_in_one_write(world: World) -> None:
    world.submit(queue={"ahead": 3}, error={"code": "internal"})
    leased = claimed(world)
    assert len(world.documents.writes) == 1
    data = world.documents.data()
    assert (data["status"], data["attempt"], data["started_at"]) == ("processing", 1, START)
    assert data["lease"] == {
        "token": 1,
        "worker_id": "worker-a",
        "expires_at": START + timedelta(seconds=30),
    }
    assert "queue" not in data
    assert "error" not in data
    assert leased.lease.to_document() == data["lease"]


def test_the_trust_window_counts_from_before_the_read_that_the_lease_was_counted_from(
    world: World,
) -> None:
    """Read and write take 5 s each; the lease runs from the read's answer."""
    world.submit()
    world.documents.before_read = lambda: world.clock.advance(5)
    world.documents.before = lambda _: world.clock.advance(5)
    leased = claimed(world)
    assert leased.trusted_seconds() == 30 - 6 - 10
    expires_at = world.documents.data()["lease"]["expires_at"]
    assert expires_at - world.clock.now() == timedelta(seconds=25)


def test_a_worker_whose_wall_clock_is_hours_off_claims_by_the_server_s_time(world: World) -> None:
    world.submit()
    claimed(world)
    wrong = ManualClock()
    wrong.advance(7200)
    taken = claim(world, "worker-b", clock=wrong)
    assert taken == NotNow(why="held by another worker", seconds=30)


@pytest.mark.parametrize("fault", [Conflict("other"), Unavailable("away")])
def test_endless_contention_is_given_up(world: World, fault: Exception) -> None:
    world.submit()
    tries: list[Changes] = []

    def contend(changes: Changes) -> None:
        tries.append(changes)
        raise fault

    world.documents.before = contend
    with pytest.raises(Unavailable):
        claim(world)
    assert len(tries) == (MAX_ROUNDS if isinstance(fault, Conflict) else 1)


def test_a_sweep_s_mark_in_between_does_not_disturb_the_claim(world: World) -> None:
    world.submit()
    marked: list[bool] = []

    def mark(_: Changes) -> None:
        if not marked:
            marked.append(True)
            world.documents.change(sweep_after=START)

    world.documents.before = mark
    leased = claimed(world)
    assert leased.lease.token == 1
    assert world.documents.data()["status"] == "processing"


def test_a_claim_lost_to_another_worker_in_the_same_moment_is_not_taken_for_ours(
    world: World,
) -> None:
    world.submit()
    overtaken: list[bool] = []

    def overtake(_: Changes) -> None:
        if not overtaken:
            overtaken.append(True)
            claimed(world, "worker-b")

    world.documents.before = overtake
    assert claim(world) == NotNow(why="held by another worker", seconds=30)
    assert world.documents.data()["lease"]["worker_id"] == "worker-b"


def test_a_document_deleted_between_read_and_claim_is_nothing(world: World) -> None:
    world.submit()
    world.documents.before = lambda _: world.documents.inner.delete(str(PATH))
    assert isinstance(claim(world), Nothing)


def test_a_broken_status_is_invalid(world: World) -> None:
    world.submit(status="dreaming")
    with pytest.raises(InvalidInput, match="must be 'pending'"):
        claim(world)


@pytest.mark.parametrize(
    "given", [NotInput.UNREADABLE, {"prompt": "x" * (MAX_DOCUMENT_BYTES - 200)}]
)
def test_an_input_that_cannot_be_worked_on_ends_without_a_claim(
    world: World, given: object
) -> None:
    world.submit(input=given)
    assert world.worker().handle() == Done()
    assert len(world.documents.writes) == 1
    data = world.documents.data()
    assert (data["status"], data["error"]["code"]) == ("failed", "invalid_input")


def test_a_claim_that_the_store_will_never_take_ends_the_generation(world: World) -> None:
    world.submit()

    def reject_claims(changes: Changes) -> None:
        if changes["status"] == "processing":
            raise Rejected("it would have too many index entries")

    world.documents.before = reject_claims
    assert world.worker().handle() == Done()
    data = world.documents.data()
    assert (data["status"], data["input"]) == ("failed", {})
    assert data["error"]["code"] == "invalid_input"


def test_a_document_that_takes_no_write_at_all_is_let_go(world: World) -> None:
    world.submit()
    tries: list[Changes] = []

    def reject(changes: Changes) -> None:
        tries.append(changes)
        raise Rejected("never")

    world.documents.before = reject
    assert world.worker().handle() == Done()
    assert [changes["status"] for changes in tries] == ["processing", "failed"]


def test_a_fault_in_claiming_is_tried_again_but_not_for_ever_and_its_text_is_not_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.submit()

    def fail() -> None:
        raise ValueError(PROMPT)

    world.documents.before_read = fail
    worker = world.worker()
    answers = [worker.handle() for _ in range(MAX_FAULTS)]
    assert answers == [Later(seconds=FAULT_RETRY_SECONDS)] * (MAX_FAULTS - 1) + [Done()]
    assert PROMPT not in caplog.text
    told = [vars(record)["fields"] for record in caplog.records]
    assert [(it["error"], it["given_up"]) for it in told] == [
        ("ValueError", number == MAX_FAULTS) for number in range(1, MAX_FAULTS + 1)
    ]
    assert all(it["where"].startswith("test_claiming.py:") for it in told)


def test_a_fault_that_passed_is_not_held_against_the_document(world: World) -> None:
    def fail() -> None:
        raise ValueError(PROMPT)

    worker = world.worker()
    world.submit()
    for _ in range(2):
        world.documents.before_read = fail
        for _ in range(MAX_FAULTS - 1):
            assert worker.handle() == Later(seconds=FAULT_RETRY_SECONDS)
        world.documents.before_read = lambda: None
        assert worker.handle() == Done()
    assert world.documents.data()["input"] == INPUT
    assert world.documents.data()["status"] == "completed"
