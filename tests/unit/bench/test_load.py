"""What B6 makes of its samples."""

from pathlib import Path

import pytest

from bench.litserve_peer import ABSENT, litserve_peer
from bench.load import Samples, outcomes_of


def samples(burst: float, lone: float, litserve: float | None = None) -> Samples:
    """Three rounds, the second on a machine half as fast; a floor of 10 pictures a second."""
    speeds = (1.0, 0.5, 1.0)
    theirs = [] if litserve is None else [litserve * it for it in speeds]
    return Samples(
        floor=[10 * it for it in speeds],
        burst=[burst * it for it in speeds],
        serial_burst=[5 * it for it in speeds],
        poisson=[burst * it for it in speeds],
        lone=[lone / it for it in speeds],
        serial_lone=[0.2 / it for it in speeds],
        litserve_burst=theirs,
        litserve_lone=theirs,
        best_rows=8,
    )


@pytest.mark.parametrize(("burst", "met"), [(9.6, True), (9.4, False)])
def test_throughput_is_held_against_the_floor_of_its_own_round(burst: float, met: bool) -> None:
    outcome, poisson, _ = outcomes_of(samples(burst, 0.2), 8)
    assert (outcome.met, poisson.met) == (met, met)
    assert outcome.more["of the floor"] == pytest.approx(burst / 10)
    assert outcome.more["of the peer"] == pytest.approx(burst / 5)
    assert "of LitServe" not in outcome.more


@pytest.mark.parametrize(("lone", "met"), [(0.203, True), (0.205, False)])
def test_a_lone_request_is_held_against_the_serial_worker(lone: float, met: bool) -> None:
    *_, outcome = outcomes_of(samples(10, lone, litserve=4), 8)
    assert outcome.met is met
    assert outcome.more["of LitServe"] == pytest.approx(lone / 4)


def test_without_litserve_no_row_has_an_empty_list_of_samples() -> None:
    assert all(all(it.samples.values()) for it in outcomes_of(samples(10, 0.2), 8))
    assert all("litserve" in it.samples for it in outcomes_of(samples(10, 0.2, litserve=4), 8))


def test_where_litserve_is_not_installed_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with litserve_peer(tmp_path) as peer:
        assert peer is None
    assert ABSENT in capsys.readouterr().err
