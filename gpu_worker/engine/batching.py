"""How many pictures of jobs that wait are drawn together, decided by what a step takes. Pure.

A batch delays its oldest job for the sake of the others. It pays where they have their pictures
sooner on average than one after another, and that is also what it must save of the GPU's time:
a quarter at two, nearly half at many.
"""

from collections.abc import Iterator, Mapping

#: Rows that are tried, as long as more of them save.
TRIED = (1, 2, 4, 8)
#: Of the seconds per picture: what twice as many rows must save for four times as many to be tried.
#: Below it the device is busy, and memory is better kept.
LEAST_SAVING = 0.05
#: More than any device gains by.
MOST_ROWS = 16
#: One job at work and two that wait: the fewest of which a batch is made.
SLOTS_FOR_BATCHES = 3
#: Each job for itself.
ALONE = 1
#: In the place of a number of rows: as many as pay.
AUTO = "auto"


def worth_trying(step_seconds: Mapping[int, float]) -> Iterator[int]:
    """The rows to time next, with `step_seconds` (the shortest by rows) filled in meanwhile.

    What decides against batches is timed twice, and one row too: a machine may be disturbed.
    """
    best = float("inf")
    for rows in TRIED:
        for _ in range(2):
            yield rows
            if rows not in step_seconds:  # there was no room for so many
                return
            saves = step_seconds[rows] / rows <= (1 - LEAST_SAVING) * best
            if saves and rows != ALONE:
                break
        if not saves:
            return
        best = step_seconds[rows] / rows


def rows_that_pay(step_seconds: Mapping[int, float]) -> int:
    """Of the rows that were timed, those with the least seconds per picture; ALONE if none pays."""
    if ALONE not in step_seconds:
        return ALONE
    alone = step_seconds[ALONE]
    paying = [rows for rows, seconds in step_seconds.items() if seconds < alone * (rows + 1) / 2]
    return min(paying, key=lambda rows: step_seconds[rows] / rows, default=ALONE)
