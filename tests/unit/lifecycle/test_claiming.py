"""`take`, `LeasedDocument` and `ServerClock` on their own."""

from datetime import timedelta

import pytest

from gpu_worker.lifecycle.handled import Done, Later
from gpu_worker.lifecycle.leased_document import MAX_CONFLICTS, LeasedDocument, LeaseLost
from gpu_worker.lifecycle.runner import FAULT_RETRY_SECONDS, MAX_FAULTS
from gpu_worker.lifecycle.server_clock import ServerClock
from gpu_worker.lifecycle.take import MAX_ROUNDS, Nothing, NotNow, Taken, take
from shared.document import Generation
from shared.errors import InvalidInput
from shared.ports import Changes, Conflict, NotInput, Rejected, Unavailable
from shared.stored_size import MAX_DOCUMENT_BYTES
from tests.unit.lifecycle.world import INPUT, PATH, PROMPT, START, ManualClock, World


def claim(world: World, worker_id: str = "worker-a", clock: ManualClock | None = None) -> Taken:
    return take(
        world.documents,
        clock or world.clock,
        PATH,
        worker_id=worker_id,
        on_cancel_requested=lambda: None,
    )


def claimed(world: World, worker_id: str = "worker-a") -> LeasedDocument:
    taken = claim(world, worker_id)
    assert isinstance(taken, LeasedDocument)
    return taken


def end(leased: LeasedDocument) -> None:
    leased.end(lambda generation: generation.to_completed({"image_url": "x"}, {}, {}))


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


def test_the_trust_window_after_a_renewal_counts_from_the_write_s_start(world: World) -> None:
    world.submit()
    leased = claimed(world)
    world.documents.before = lambda _: world.clock.advance(3)
    leased.renew()
    assert leased.trusted_seconds() == 30 - 6 - 3
    world.documents.before = lambda _: None
    leased.renew()
    assert leased.trusted_seconds() == 30 - 6


def test_a_worker_whose_wall_clock_is_hours_off_claims_by_the_server_s_time(world: World) -> None:
    world.submit()
    claimed(world)
    wrong = ManualClock()
    wrong.advance(7200)
    taken = claim(world, "worker-b", clock=wrong)
    assert taken == NotNow(seconds=30)


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


def test_the_trigger_s_mark_in_between_does_not_disturb_the_claim(world: World) -> None:
    world.submit(status="pending")
    marked: list[bool] = []

    def mark(_: Changes) -> None:
        if not marked:
            marked.append(True)
            world.documents.change(status="queued")

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
    assert claim(world) == NotNow(seconds=30)
    assert world.documents.data()["lease"]["worker_id"] == "worker-b"


def test_a_document_deleted_between_read_and_claim_is_nothing(world: World) -> None:
    world.submit()
    world.documents.before = lambda _: world.documents.inner.delete(str(PATH))
    assert isinstance(claim(world), Nothing)


def test_a_broken_status_is_invalid(world: World) -> None:
    world.submit(status="dreaming")
    with pytest.raises(InvalidInput, match="must be 'pending'"):
        claim(world)


def test_after_the_end_nothing_is_written_any_more(world: World) -> None:
    world.submit()
    leased = claimed(world)
    end(leased)
    before = world.documents.data()
    leased.renew(progress={"fraction": 0.5})
    assert world.documents.data() == before
    assert not leased.trusted()


def test_an_end_that_got_no_answer_is_the_last_word_all_the_same(world: World) -> None:
    world.submit()
    leased = claimed(world)

    def away(_: Changes) -> None:
        raise Unavailable("away")

    world.documents.before = away
    with pytest.raises(Unavailable):
        end(leased)
    world.documents.before = lambda _: None
    leased.renew()
    assert len(world.documents.writes) == 1


def test_a_lost_lease_stays_lost(world: World) -> None:
    world.submit()
    leased = claimed(world)
    world.clock.advance(30)
    claimed(world, "worker-b")
    before = world.documents.data()
    with pytest.raises(LeaseLost):
        leased.renew()
    with pytest.raises(LeaseLost):
        end(leased)
    leased.renew()
    assert world.documents.data() == before


def test_the_other_worker_s_result_is_never_taken_for_our_own(world: World) -> None:
    """Both end with `completed`; only the token tells them apart."""
    world.submit()
    leased = claimed(world)

    def overtake(_: Changes) -> None:
        world.documents.before = lambda _: None
        world.clock.advance(30)
        end(claimed(world, "worker-b"))

    world.documents.before = overtake
    with pytest.raises(LeaseLost, match="token 2"):
        end(leased)


def test_a_renewal_does_not_take_a_released_lease_for_its_own(world: World) -> None:
    world.submit()
    leased = claimed(world)
    # What a sweep does to a lapsed lease: the token stays, the holder goes.
    world.documents.change(
        status="queued", lease={"token": 1, "worker_id": None, "expires_at": None}
    )
    with pytest.raises(LeaseLost):
        leased.renew()


@pytest.mark.parametrize("status", ["dreaming", 7, None])
def test_a_status_that_an_admin_broke_ends_the_lease(world: World, status: object) -> None:
    world.submit()
    leased = claimed(world)
    world.documents.change(status=status)
    with pytest.raises(LeaseLost, match="no status"):
        leased.renew()


def test_a_document_that_changes_all_the_time_is_given_up(world: World) -> None:
    world.submit()
    leased = claimed(world)
    tries: list[Changes] = []

    def disturb(changes: Changes) -> None:
        tries.append(changes)
        world.documents.change(disturbed=len(tries))

    world.documents.before = disturb
    with pytest.raises(LeaseLost, match=f"{MAX_CONFLICTS} times"):
        leased.renew()
    assert len(tries) == MAX_CONFLICTS


def test_a_cancellation_met_on_the_way_is_announced_and_the_write_repeated(world: World) -> None:
    world.submit()
    asked: list[bool] = []
    leased = take(
        world.documents,
        world.clock,
        PATH,
        worker_id="worker-a",
        on_cancel_requested=lambda: asked.append(True),
    )
    assert isinstance(leased, LeasedDocument)
    world.documents.change(cancel_requested=True)
    leased.renew(progress={"fraction": 0.5})
    assert asked == [True]
    assert world.documents.data()["progress"] == {"fraction": 0.5}
    leased.end(Generation.to_cancelled)
    assert world.documents.data()["status"] == "cancelled"


def test_the_server_s_clock_is_never_behind_and_at_most_a_round_trip_ahead() -> None:
    clock = ManualClock()
    sent_at = clock.monotonic()
    clock.advance(2)
    answered = clock.now()
    clock.advance(3)
    server = ServerClock(clock, server_time=answered, sent_at=sent_at)
    assert clock.now() <= server.now() <= clock.now() + timedelta(seconds=5)
    clock.advance(100)
    assert server.now() - clock.now() == timedelta(seconds=2)


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
