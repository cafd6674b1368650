"""The oracle finds nothing wrong with what is right, and catches each promise that is broken."""

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image

from shared.claim import MAX_ATTEMPTS
from shared.errors import ErrorCode
from shared.status import Status
from tests.chaos.evidence import Evidence, State, StoredFile
from tests.chaos.oracle import Kind, judge
from tests.unit.media.films import moving, write_film

FRAMES, SIZE = 5, (64, 48)
PATH = "users/ada/generations/g1"
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG")
    return file.getvalue()


PICTURE = picture()


def name(token: int, file: str = "0.png") -> str:
    return f"{PATH}/{token}/{file}"


def output(token: int) -> dict[str, Any]:
    return {
        "files": [
            {
                "storage_path": name(token),
                "url": f"http://host/v0/b/b/o/{quote(name(token), safe='')}?alt=media&token=x",
                "thumbnail_url": "http://host/v0/b/b/o/"
                + quote(name(token, "0.thumbnail.webp"), safe="")
                + "?alt=media&token=y",
                "size_bytes": len(PICTURE),
            }
        ]
    }


def states(*ways: str, **last: Any) -> list[State]:
    """`status/token/worker` each, a second apart; `last` changes the last one's fields."""
    found = []
    for number, way in enumerate(ways):
        status, token, worker = way.split("/")
        found.append(
            State(
                status=Status(status),
                token=int(token),
                worker_id=worker or None,
                attempt=int(token),
                at=START + timedelta(seconds=number),
                output=output(int(token)) if status == "completed" else None,
            )
        )
    found[-1] = replace(found[-1], **last)
    return found


RIGHT = ("pending/0/", "queued/0/", "processing/1/a", "processing/2/b", "completed/2/")


def files(token: int = 2) -> list[StoredFile]:
    return [
        StoredFile(name=name(token), content=PICTURE, whole=True),
        StoredFile(name=name(token, "0.thumbnail.webp"), content=PICTURE, whole=True),
    ]


def evidence(seen: Sequence[State], **changes: Any) -> Evidence:
    there: dict[str, Any] = {
        "states": {PATH: seen},
        "final": {PATH: seen[-1]},
        "files": files() if seen[-1].output else [],
        **changes,
    }
    return Evidence(**there)


def kinds(given: Evidence, **rules: Any) -> set[Kind]:
    return {violation.kind for violation in judge(given, **rules)}


def test_what_came_home_after_a_takeover_is_right() -> None:
    assert judge(evidence(states(*RIGHT))) == []


@pytest.mark.parametrize(
    "way",
    [
        # A listener may miss what followed quickly.
        ("pending/0/", "completed/2/"),
        ("processing/1/a", "queued/1/", "processing/2/a", "completed/2/"),
        # Given back, and taken again by the same worker.
        ("pending/0/", "processing/1/a", "queued/1/", "processing/2/a", "completed/2/"),
    ],
)
def test_every_way_that_the_table_allows_is_right(way: tuple[str, ...]) -> None:
    assert judge(evidence(states(*way))) == []


@pytest.mark.parametrize("status", ["pending/0/", "queued/1/", "processing/2/b"])
def test_a_document_without_an_end_is_lost(status: str) -> None:
    assert kinds(evidence(states("pending/0/", status))) == {Kind.LOST}


def test_a_document_that_is_gone_is_lost() -> None:
    assert kinds(evidence(states(*RIGHT), final={}, files=[])) == {Kind.LOST}


def test_a_failure_that_the_scenario_does_not_allow_is_a_loss() -> None:
    seen = states("pending/0/", "processing/1/a", "failed/1/", error_code="internal")
    assert kinds(evidence(seen)) == {Kind.LOST}
    assert kinds(evidence(seen), ends=frozenset({Status.FAILED})) == set()


EXHAUSTED = {PATH: ErrorCode.ATTEMPTS_EXHAUSTED}
POISON = ("processing/1/a", "processing/2/a", "processing/3/a", "failed/3/")


def test_a_poison_job_that_fails_after_its_attempts_with_its_error_is_right() -> None:
    assert (
        judge(evidence(states(*POISON, error_code="attempts_exhausted")), failing=EXHAUSTED) == []
    )


@pytest.mark.parametrize("last", [{"error_code": "engine_crashed"}, {"attempt": MAX_ATTEMPTS + 1}])
def test_a_poison_job_with_another_error_or_an_attempt_too_many_is_caught(
    last: dict[str, Any],
) -> None:
    seen = states(*POISON, **{"error_code": "attempts_exhausted", **last})
    assert kinds(evidence(seen), failing=EXHAUSTED) <= {Kind.LOST, Kind.DUPLICATED}
    assert judge(evidence(seen), failing=EXHAUSTED)


def test_a_poison_job_that_completes_or_fails_without_an_error_is_caught() -> None:
    assert kinds(evidence(states(*RIGHT)), failing=EXHAUSTED) == {Kind.LOST}
    assert kinds(evidence(states(*POISON)), failing=EXHAUSTED) == {Kind.LOST}


@pytest.mark.parametrize("after", ["completed/3/", "failed/2/", "processing/3/c", "queued/2/"])
def test_a_document_that_changes_after_its_end_is_done_twice(after: str) -> None:
    found = kinds(evidence(states(*RIGHT, after), files=[*files(2), *files(3)]))
    assert Kind.DUPLICATED in found


def test_a_document_that_is_written_after_its_end_is_caught_even_if_it_looks_the_same() -> None:
    assert kinds(evidence(states(*RIGHT, "completed/2/"))) == {Kind.DUPLICATED}


def test_a_cancellation_that_comes_too_late_is_no_second_end() -> None:
    assert judge(evidence(states(*RIGHT, "completed/2/", cancel_requested=True))) == []
    worked = states(*RIGHT, "completed/2/", cancel_requested=True, output=output(3))
    assert Kind.DUPLICATED in kinds(evidence(worked, files=[*files(2), *files(3)]))


def test_a_document_that_was_claimed_more_often_than_allowed_is_done_twice() -> None:
    assert kinds(evidence(states(*RIGHT)), most_attempts=1) == {Kind.DUPLICATED}


@pytest.mark.parametrize(
    "way",
    [
        ("processing/2/a", "pending/2/", "completed/2/"),
        ("queued/0/", "pending/0/", "completed/2/"),
        ("queued/2/", "processing/2/a", "completed/2/"),
    ],
)
def test_a_status_that_goes_back_is_caught(way: tuple[str, ...]) -> None:
    assert kinds(evidence(states(*way))) == {Kind.BACKWARDS}


def test_a_version_that_is_older_than_the_one_before_is_caught() -> None:
    seen = states(*RIGHT)
    seen[2] = replace(seen[2], at=START - timedelta(seconds=1))
    assert kinds(evidence(seen)) == {Kind.BACKWARDS}


def test_progress_that_goes_back_within_an_attempt_is_caught() -> None:
    seen = states("processing/1/a", "processing/2/b", "processing/2/b", "completed/2/")
    seen[0] = replace(seen[0], fraction=0.9)
    seen[1] = replace(seen[1], fraction=0.5)
    assert judge(evidence(seen)) == []
    seen[2] = replace(seen[2], fraction=0.25)
    assert kinds(evidence(seen)) == {Kind.BACKWARDS}


def test_a_token_that_goes_back_is_caught() -> None:
    seen = states("processing/3/a", "processing/2/b", "completed/2/")
    assert kinds(evidence(seen)) == {Kind.TOKEN}


def test_two_workers_with_one_token_are_caught() -> None:
    seen = states("processing/2/a", "processing/2/b", "completed/2/")
    assert kinds(evidence(seen)) == {Kind.TOKEN}


def test_a_referenced_file_that_is_missing_is_caught() -> None:
    for index in (0, 1):
        there = [file for number, file in enumerate(files()) if number != index]
        assert kinds(evidence(states(*RIGHT), files=there)) == {Kind.FILE}


@pytest.mark.parametrize(
    "broken",
    [
        {"whole": False},
        {"content": PICTURE[:-20]},
        {"content": b"\0" * len(PICTURE)},
    ],
)
def test_a_referenced_file_that_is_not_whole_is_caught(broken: dict[str, Any]) -> None:
    first, second = files()
    assert kinds(evidence(states(*RIGHT), files=[replace(first, **broken), second])) == {Kind.FILE}


def test_a_film_is_opened_as_a_film() -> None:
    film, _ = write_film(moving(FRAMES, SIZE))
    at = name(2, "0.mp4")
    file = {"storage_path": at, "url": f"http://host/o/{quote(at, safe='')}", "size_bytes": 0}

    def found(content: bytes) -> set[Kind]:
        described = {"files": [{**file, "size_bytes": len(content)}]}
        stored = [StoredFile(name=at, content=content, whole=True)]
        return kinds(evidence(states(*RIGHT, output=described), files=stored))

    assert found(film) == set()
    assert found(film[:200]) == {Kind.FILE}
    assert found(PICTURE) == {Kind.FILE}


def test_a_file_of_an_attempt_that_lost_its_lease_is_caught() -> None:
    seen = states(*RIGHT, output=output(1))
    assert kinds(evidence(seen, files=files(1))) == {Kind.FILE}


def test_a_completed_document_without_output_is_caught() -> None:
    assert kinds(evidence(states(*RIGHT, output=None), files=[])) == {Kind.FILE}
    assert kinds(evidence(states(*RIGHT, output={"files": []}), files=[])) == {Kind.FILE}


def test_output_of_a_document_that_failed_is_caught() -> None:
    seen = states("processing/2/a", "failed/2/", output=output(2))
    assert Kind.FILE in kinds(evidence(seen, files=files()), ends=frozenset({Status.FAILED}))


def test_a_file_that_nobody_refers_to_is_an_orphan() -> None:
    assert kinds(evidence(states(*RIGHT), files=[*files(2), *files(1)])) == {Kind.ORPHAN}


def test_a_message_that_is_left_is_caught() -> None:
    assert kinds(evidence(states(*RIGHT), messages_left=1)) == {Kind.MESSAGE}


def test_a_process_that_outlived_its_supervisor_is_caught() -> None:
    assert kinds(evidence(states(*RIGHT), processes_left=["process 7"])) == {Kind.PROCESS}
