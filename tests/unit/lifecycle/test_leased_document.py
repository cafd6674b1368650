"""`LeasedDocument` on its own: renewing, ending, and never writing without the lease."""

from collections.abc import Callable

import pytest

from gpu_worker.lifecycle.leased_document import MAX_CONFLICTS, LeasedDocument, LeaseLost
from gpu_worker.lifecycle.take import take
from shared.document import Generation
from shared.ports import Changes, Unavailable
from tests.unit.lifecycle.claims import claimed, end
from tests.unit.lifecycle.stores import PATH
from tests.unit.lifecycle.world import World


def test_the_trust_window_after_a_renewal_counts_from_the_write_s_start(world: World) -> None:
    world.submit()
    leased = claimed(world)
    world.documents.before = lambda _: world.clock.advance(3)
    leased.renew()
    assert leased.trusted_seconds() == 30 - 6 - 3
    world.documents.before = lambda _: None
    leased.renew()
    assert leased.trusted_seconds() == 30 - 6


def test_progress_alone_moves_neither_the_lease_s_end_nor_the_trust_window(world: World) -> None:
    world.submit()
    leased = claimed(world)
    before = world.documents.data()["lease"]
    for _ in range(20):
        world.clock.advance(1)
        leased.tell(progress={"fraction": 0.5})
    assert world.documents.writes[-1] == {"progress": {"fraction": 0.5}, "lease": before}
    assert world.documents.data()["lease"] == before
    assert leased.trusted_seconds() == 30 - 6 - 20
    world.clock.advance(4)
    with pytest.raises(LeaseLost, match="trust window"):
        leased.tell(progress={"fraction": 0.6})


def test_a_lease_that_only_progress_was_written_under_is_another_s_when_it_has_lapsed(
    world: World,
) -> None:
    world.submit()
    leased = claimed(world)
    world.clock.advance(23)
    leased.tell(progress={"fraction": 0.5})
    world.clock.advance(7)
    assert not leased.trusted()
    assert claimed(world, "worker-b").lease.token == leased.lease.token + 1


def test_a_renewal_after_progress_counts_from_itself(world: World) -> None:
    world.submit()
    leased = claimed(world)
    world.clock.advance(5)
    leased.tell(progress={"fraction": 0.5})
    world.clock.advance(3)
    leased.renew(progress={"fraction": 0.6})
    assert leased.trusted_seconds() == 30 - 6
    assert leased.renewed_at == world.clock.monotonic()
    expires_at = world.documents.data()["lease"]["expires_at"]
    assert (expires_at - world.clock.now()).total_seconds() == 30


def test_a_cancellation_that_progress_meets_is_announced_too(world: World) -> None:
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
    leased.tell(progress={"fraction": 0.5})
    assert asked == [True]
    assert world.documents.data()["progress"] == {"fraction": 0.5}


@pytest.mark.parametrize("write", [LeasedDocument.renew, LeasedDocument.tell])
def test_after_the_end_nothing_is_written_any_more(
    world: World, write: Callable[..., None]
) -> None:
    world.submit()
    leased = claimed(world)
    end(leased)
    before = world.documents.data()
    write(leased, progress={"fraction": 0.5})
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
