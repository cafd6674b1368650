"""Which stored files are of no use to anybody."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.leftovers import is_left_over
from shared.status import Status

PATH = "users/ann/generations/g1"
FINAL_WITHOUT_FILES = [Status.FAILED, Status.CANCELLED]
WAITING = [Status.PENDING, Status.QUEUED]


def document(status: str, token: int, *, output_of: int | None = None) -> dict[str, Any]:
    lease = {"token": token, "worker_id": None, "expires_at": None}
    output: dict[str, Any] = {}
    if output_of is not None:
        path = f"{PATH}/{output_of}/0.png"
        output = {"output": {"files": [{"storage_path": path}, {"url": "…"}, "odd"]}}
    return {"status": status, "lease": lease, **output}


def test_files_of_a_document_that_is_gone_are_left_over() -> None:
    assert is_left_over(5, None)


@pytest.mark.parametrize("status", ["completed", "processing"])
def test_files_of_the_attempt_that_counts_are_kept(status: str) -> None:
    assert not is_left_over(5, document(status, 5))


@pytest.mark.parametrize("status", ["completed", "processing"])
@pytest.mark.parametrize("token", [1, 4, 6])
def test_files_of_every_other_attempt_are_left_over(status: str, token: int) -> None:
    assert is_left_over(token, document(status, 5))


@pytest.mark.parametrize("status", [*FINAL_WITHOUT_FILES, *WAITING])
@pytest.mark.parametrize("token", [4, 5])
def test_files_of_what_failed_was_cancelled_or_waits_are_left_over(
    status: Status, token: int
) -> None:
    assert is_left_over(token, document(status, 5))


def test_a_file_that_the_output_names_is_kept_whatever_the_lease_says() -> None:
    assert not is_left_over(3, document("completed", 5, output_of=3))


@pytest.mark.parametrize("status", ["completed", "processing"])
@pytest.mark.parametrize("lease", [None, {}, {"token": "5"}, "odd"])
def test_without_a_token_to_go_by_everything_is_kept(status: str, lease: object) -> None:
    assert not is_left_over(5, {"status": status, "lease": lease})


@pytest.mark.parametrize("status", [None, "done", 7, ["completed"]])
def test_of_a_document_without_a_status_of_ours_everything_is_kept(status: object) -> None:
    assert not is_left_over(5, {"status": status, "lease": {"token": 6}})


@pytest.mark.parametrize("output", [None, [], {"files": None}, {"files": {"a": 1}}, {"files": [7]}])
def test_an_output_of_another_form_names_nothing(output: object) -> None:
    assert is_left_over(4, {**document("completed", 5), "output": output})


@given(st.sampled_from(Status), st.integers(1, 9), st.integers(1, 9))
def test_at_most_one_attempt_s_files_are_ever_kept(status: Status, lease: int, other: int) -> None:
    kept = [token for token in range(1, 10) if not is_left_over(token, document(status, lease))]
    assert kept in ([], [lease])
