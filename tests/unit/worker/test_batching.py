"""How many rows of a batch pay, by what a step of so many takes."""

import pytest

from gpu_worker.engine.batching import rows_that_pay, worth_trying


@pytest.mark.parametrize(
    ("step_seconds", "rows"),
    [
        # The embedded model on one core.
        ({1: 0.0123, 2: 0.0171, 4: 0.0269, 8: 0.0489}, 8),
        # A device that one picture fills: nobody would have theirs sooner.
        ({1: 0.030, 2: 0.0594}, 1),
        # Saves a fifth of the GPU's seconds, but the first of two would wait as long as the second.
        ({1: 0.030, 2: 0.048}, 1),
        # Two do not pay, four do.
        ({1: 0.030, 2: 0.046, 4: 0.070}, 4),
        # Eight are slower for each than four.
        ({1: 0.010, 2: 0.013, 4: 0.018, 8: 0.040}, 4),
        ({1: 0.010}, 1),
        ({}, 1),
    ],
)
def test_a_batch_pays_where_its_pictures_are_there_sooner_on_average(
    step_seconds: dict[int, float], rows: int
) -> None:
    assert rows_that_pay(step_seconds) == rows


def tried(times: dict[int, list[float]]) -> list[int]:
    """The rows that are timed, on a device where they take `times`, the last for good."""
    found: dict[int, float] = {}
    asked = []
    for rows in worth_trying(found):
        asked.append(rows)
        if rows in times:
            took = times[rows].pop(0) if len(times[rows]) > 1 else times[rows][0]
            found[rows] = min(took, found.get(rows, took))
    return asked


def test_more_rows_are_tried_while_they_save() -> None:
    assert tried({1: [1.0], 2: [1.4], 4: [2.2], 8: [4.0]}) == [1, 1, 2, 4, 8]


def test_a_device_that_is_full_is_left_alone_after_two() -> None:
    assert tried({1: [1.0], 2: [1.98]}) == [1, 1, 2, 2]


def test_a_disturbance_does_not_decide() -> None:
    assert tried({1: [3.0, 1.0], 2: [5.0, 1.4], 4: [2.2], 8: [9.0]}) == [1, 1, 2, 2, 4, 8, 8]


def test_what_does_not_fit_into_memory_ends_the_trial() -> None:
    assert tried({1: [1.0], 2: [1.2]}) == [1, 1, 2, 4]
