"""What pull and push do alike with a message."""

import pytest

from gpu_worker.intake import delivery
from gpu_worker.lifecycle.handled import Done, Handled, Later
from shared.crash_points import CrashPoint
from tests.unit.lifecycle.stores import PATH


@pytest.mark.parametrize(
    ("handled", "passed"),
    [
        (Done(), [CrashPoint.RECEIVED, CrashPoint.ACKNOWLEDGING]),
        (Later(seconds=1), [CrashPoint.RECEIVED]),
    ],
)
def test_a_worker_can_be_made_to_die_before_its_job_and_before_its_answer(
    monkeypatch: pytest.MonkeyPatch, handled: Handled, passed: list[CrashPoint]
) -> None:
    points: list[CrashPoint] = []
    monkeypatch.setattr(delivery, "crash_point", points.append)
    assert delivery.settle(PATH, lambda _: handled) == handled
    assert points == passed
