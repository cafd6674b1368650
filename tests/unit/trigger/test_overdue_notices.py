"""The sweep tells what no event told, within its time, and one fault is its own."""

from typing import Any

import pytest

from shared.in_memory import InMemoryDocuments
from shared.paths import GenerationPath
from shared.ports import Unavailable
from tests.unit.trigger.notifying import Phones
from trigger.overdue_notices import PATIENCE, RUN_SECONDS


def test_a_run_begins_nothing_after_its_time_and_the_next_one_goes_on() -> None:
    phones = Phones("phone")
    for n in range(3):
        phones.end(path=GenerationPath(uid="ann", generation_id=f"g{n}"))
    phones.clock.advance(PATIENCE.total_seconds())
    phones.push.before = lambda _: phones.clock.advance(RUN_SECONDS / 2)
    assert phones.sweep().counts == {"told": 2}
    phones.clock.advance(60)
    assert phones.sweep().counts == {"told": 1}
    assert phones.told() == {"phone": ["g0", "g1", "g2"]}


def test_what_has_the_name_of_a_notice_and_is_none_of_ours_is_passed_by() -> None:
    phones = Phones("phone")
    now = phones.clock.now()
    phones.documents.create("shops/one/notices/g1", {"again_after": now})
    phones.documents.create("users/ann/notices/with space", {"again_after": now})
    phones.end()
    phones.clock.advance(PATIENCE.total_seconds())
    run = phones.sweep()
    assert (run.counts, run.faults) == ({"told": 1}, [])
    assert phones.documents.read("shops/one/notices/g1") is not None


def test_one_notice_that_cannot_be_told_stops_no_other_and_quotes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    phones = Phones("phone")
    for n in range(3):
        phones.end(path=GenerationPath(uid="ann", generation_id=f"g{n}"))
    phones.clock.advance(PATIENCE.total_seconds())
    errors: list[Exception] = [ValueError("phone:APA91b")]

    def once(_: str) -> None:
        if errors:
            raise errors.pop()

    phones.push.before = once
    run = phones.sweep()
    assert (run.counts, run.faults) == ({"told": 2}, ["users/ann/notices/g0"])
    assert "APA91b" not in str([vars(record) for record in caplog.records])


def test_a_database_that_is_away_ends_the_run() -> None:
    phones = Phones("phone")
    for n in range(3):
        phones.end(path=GenerationPath(uid="ann", generation_id=f"g{n}"))
    phones.clock.advance(PATIENCE.total_seconds())

    class Away(InMemoryDocuments):
        def read(self, path: str) -> Any:
            raise Unavailable(path)

    phones.notifier = type(phones.notifier)(
        documents=Away(),
        search=phones.documents,
        notices=phones.notices,
        push=phones.push,
        clock=phones.clock,
        wording=phones.notifier.wording,
    )
    assert phones.sweep().faults == ["users/ann/notices/g0"]
