"""The generation document as the server reads it, and the changes that move it on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.document import Generation, unreadable_to_failed
from shared.errors import ErrorCode, GenerationError, InvalidInput
from shared.kinds import Kind
from shared.lease import FREE, Lease
from shared.paths import GenerationPath
from shared.ports import DELETE, SERVER_TIME, Changes
from shared.status import ALLOWED, IllegalTransition, Status

PATH = GenerationPath(uid="ann", generation_id="g1")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LEASE = Lease(token=3, worker_id="w", expires_at=NOW)
RELEASED = {"token": 3, "worker_id": None, "expires_at": None}
CRASH = GenerationError(ErrorCode.ENGINE_CRASHED, "The engine died.")


def read(**data: Any) -> Generation:
    return Generation.from_document(PATH, {"status": "processing", **data})


def held(**data: Any) -> Generation:
    return read(lease=LEASE.to_document(), attempt=2, **data)


class TestReading:
    def test_a_new_document_reads_as_unclaimed(self) -> None:
        new = {"status": "pending", "input": {"prompt": "x"}, "created_at": NOW}
        assert Generation.from_document(PATH, new) == Generation(
            path=PATH,
            status=Status.PENDING,
            input={"prompt": "x"},
            cancel_requested=False,
            attempt=0,
            lease=FREE,
            error=None,
        )

    def test_a_document_in_work_reads_with_its_lease(self) -> None:
        generation = held(cancel_requested=True, error={"code": "internal"})
        assert generation.lease == LEASE
        assert generation.attempt == 2
        assert generation.cancel_requested is True
        assert generation.error == {"code": "internal"}

    @pytest.mark.parametrize("status", [None, "", "zzz", "Pending", 5, True, ["pending"], {}])
    def test_a_status_that_is_none_of_ours_is_refused(self, status: object) -> None:
        with pytest.raises(InvalidInput, match=r"status is .*; a new generation's must be 'pend"):
            read(status=status)

    def test_a_document_without_a_status_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="status is 'None'"):
            Generation.from_document(PATH, {})

    @pytest.mark.parametrize("value", [None, False, "true", 1, 0, [True]])
    def test_only_true_itself_asks_for_a_cancellation(self, value: object) -> None:
        assert read(cancel_requested=value).cancel_requested is False

    def test_an_attempt_count_below_none_gives_no_further_tries(self) -> None:
        assert read(attempt=-5).attempt == 0

    @settings(deadline=None)  # a machine under load is no fault of the reader's
    @given(
        st.dictionaries(
            st.sampled_from(["input", "cancel_requested", "attempt", "lease", "error", "other"]),
            st.none()
            | st.booleans()
            | st.integers()
            | st.text(max_size=8)
            | st.lists(st.integers(), max_size=3)
            | st.dictionaries(st.text(max_size=4), st.integers(), max_size=3),
        )
    )
    def test_whatever_stands_in_the_other_fields_the_document_can_be_read(
        self, data: dict[str, Any]
    ) -> None:
        generation = read(**data)
        assert type(generation.attempt) is int
        assert generation.attempt >= 0
        assert generation.path == PATH


class TestMoving:
    def test_queued_says_when(self) -> None:
        assert read(status="pending").to_queued(Kind.IMAGE) == {
            "status": "queued",
            "kind": "image",
            "queued_at": SERVER_TIME,
            "sweep_after": SERVER_TIME,
            "updated_at": SERVER_TIME,
        }

    def test_published_anew_it_stays_as_it_is_but_for_when_to_look_again(self) -> None:
        later = NOW + timedelta(seconds=5)
        changes = {"sweep_after": later, "updated_at": SERVER_TIME}
        assert read(status="queued").to_republished(later) == changes

    def test_a_claim_counts_an_attempt_and_clears_what_the_last_one_left(self) -> None:
        lease = LEASE.taken("v", server_now=NOW, expires_at=NOW)
        assert held(queued_at=NOW).to_processing(lease) == {
            "status": "processing",
            "lease": {"token": 4, "worker_id": "v", "expires_at": NOW},
            "attempt": 3,
            "started_at": SERVER_TIME,
            "updated_at": SERVER_TIME,
            "progress": DELETE,
            "error": DELETE,
            "queue": DELETE,
            "sweep_after": DELETE,
            "not_before": DELETE,
        }

    def test_a_failed_attempt_goes_back_to_the_queue_with_its_reason(self) -> None:
        assert held(queued_at=NOW).to_retry(CRASH) == {
            "status": "queued",
            "lease": RELEASED,
            "attempt": 2,
            "error": {
                "code": "engine_crashed",
                "message": "The engine died.",
                "retryable": True,
            },
            "updated_at": SERVER_TIME,
            "sweep_after": SERVER_TIME,
            "progress": DELETE,
        }

    def test_a_claim_says_since_when_it_waits_what_an_earlier_release_left_without_it(self) -> None:
        queued = read(status="queued", queued_at=None)
        assert queued.to_processing(LEASE)["queued_at"] is SERVER_TIME
        assert queued.claimed(LEASE, NOW).queued_at == NOW
        assert "queued_at" not in queued.claimed(LEASE, NOW).to_retry(CRASH)

    @pytest.mark.parametrize("error", [CRASH, None])
    def test_whatever_goes_back_to_the_queue_says_since_when_it_waits(
        self, error: GenerationError | None
    ) -> None:
        """Also what an earlier release claimed while it was pending."""
        assert held().to_retry(error)["queued_at"] is SERVER_TIME
        assert "queued_at" not in held(queued_at=NOW).to_retry(error)

    def test_an_attempt_given_back_on_purpose_is_not_counted(self) -> None:
        changes = held().to_retry(None)
        assert changes["attempt"] == 1
        assert changes["error"] is DELETE

    def test_an_attempt_count_never_goes_below_none(self) -> None:
        assert read().to_retry(None)["attempt"] == 0

    def test_a_completed_generation_has_its_output_and_no_progress(self) -> None:
        output = {"seed": 7, "images": []}
        assert held().to_completed(output, {"denoise": 1.5}, {"gpu_seconds": 2.0}) == {
            "status": "completed",
            "output": output,
            "timings": {"denoise": 1.5},
            "cost": {"gpu_seconds": 2.0},
            "lease": RELEASED,
            "completed_at": SERVER_TIME,
            "updated_at": SERVER_TIME,
            "progress": DELETE,
            "queue": DELETE,
            "sweep_after": DELETE,
            "not_before": DELETE,
        }

    def test_a_failed_generation_has_its_reason(self) -> None:
        changes = held().to_failed(CRASH)
        assert changes["error"] == CRASH.to_document()
        assert changes["completed_at"] is SERVER_TIME
        assert changes["lease"] == RELEASED

    def test_a_cancelled_generation_has_no_reason(self) -> None:
        assert held().to_cancelled() == {
            "status": "cancelled",
            "lease": RELEASED,
            "completed_at": SERVER_TIME,
            "updated_at": SERVER_TIME,
            "progress": DELETE,
            "queue": DELETE,
            "sweep_after": DELETE,
            "not_before": DELETE,
        }

    def test_a_document_that_cannot_be_read_fails_without_a_status_to_start_from(self) -> None:
        assert unreadable_to_failed(InvalidInput("No.")) == {
            "status": "failed",
            "error": {"code": "invalid_input", "message": "No.", "retryable": False},
            "completed_at": SERVER_TIME,
            "updated_at": SERVER_TIME,
        }


MOVES: dict[str, tuple[Status, Callable[[Generation], Changes]]] = {
    "queued": (Status.QUEUED, lambda it: it.to_queued(Kind.VIDEO)),
    "processing": (Status.PROCESSING, lambda it: it.to_processing(LEASE)),
    "retry": (Status.QUEUED, lambda it: it.to_retry(None)),
    "completed": (Status.COMPLETED, lambda it: it.to_completed({}, {}, {})),
    "failed": (Status.FAILED, lambda it: it.to_failed(CRASH)),
    "cancelled": (Status.CANCELLED, lambda it: it.to_cancelled()),
}


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("move", MOVES)
def test_a_move_that_the_status_table_does_not_have_is_refused(move: str, status: Status) -> None:
    new, make = MOVES[move]
    generation = read(status=status.value)
    if new in ALLOWED[status]:
        changes = make(generation)
        assert changes["status"] == new.value
        assert changes["updated_at"] is SERVER_TIME
    else:
        with pytest.raises(IllegalTransition):
            make(generation)
