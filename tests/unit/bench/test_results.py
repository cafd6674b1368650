"""What `make bench` writes: its JSON, its table, and what becomes of both when a row fails."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench.memory_growth import Line
from bench.outcome import RESULTS, Outcome, save
from bench.report import FIGURES
from bench.reporting import HEADER, load, rows

OUTCOME = Outcome(
    name="B1",
    timed="a thing",
    value=1.5,
    floor=1.0,
    peer=None,
    unit="s",
    goal="≤ 2 × floor",
    met=True,
    samples={"ours": [1.4, 1.5, 1.6], "floor": [1.0]},
    more={"duty": 0.99},
)
#: A module that finds a row, one that raises, one that is not there.
FINDS = "tests.unit.bench.found"
RAISES = "bench.outcome"
MISSING = "bench.no_such_benchmark"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "results.json"


def test_what_is_saved_is_loaded_again_and_others_stay(file: Path) -> None:
    other = replace(OUTCOME, name="B2", floor=None, met=False)
    save([OUTCOME], file)
    save([other], file)
    again = replace(OUTCOME, value=9.0)
    save([again], file)
    assert load(file) == [again, other]


def test_a_row_says_how_many_times_the_floor_it_is_and_whether_that_is_the_goal() -> None:
    assert rows([OUTCOME, replace(OUTCOME, value=0.0021, floor=0.0, peer=250.0, met=False)]) == [
        ["B1", "a thing", "1.5 s", "1 (1.50 ×)", "–", "≤ 2 × floor", "yes"],
        ["B1", "a thing", "0.0021 s", "0", "250 (0.00 ×)", "≤ 2 × floor", "**no**"],
    ]
    assert len(HEADER) == 7


def test_a_row_that_fails_loses_no_other_and_its_old_one(file: Path) -> None:
    save([replace(OUTCOME, name="B8a"), replace(OUTCOME, name="B9")], file)
    failed = bench.run_all({"B8": RAISES, "B7": FINDS, "B5": MISSING}, file)
    assert failed == ["B8", "B5"]
    assert [it.name for it in load(file)] == ["B7", "B9"]
    last = bench.table(failed, file)[-2:]
    assert [row[:2] for row in last] == [["B8", bench.FAILED], ["B5", bench.FAILED]]
    assert {len(row) for row in bench.table(failed, file)} == {len(HEADER)}


def test_a_row_that_takes_too_long_is_ended(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "LIMIT_SECONDS", 0.01)
    assert bench.run_all({"B7": FINDS}, file) == ["B7"]
    assert not file.exists()


def test_the_results_that_are_committed_have_the_form_that_was_agreed_on() -> None:
    for name, found in json.loads(RESULTS.read_text()).items():
        assert any(name.startswith(prefix) for prefix in bench.BENCHMARKS), name
        assert {"value", "floor", "peer", "unit", "goal", "met", "samples"} <= set(found), name
        assert isinstance(found["met"], bool)
        assert found["samples"], f"{name} has no samples"
        assert all(found["samples"].values()), f"{name} has an empty list of samples"


def test_the_table_in_the_docs_is_that_of_the_results() -> None:
    page = FIGURES.read_text()
    for row in rows(load()):
        assert f"| {' | '.join(row)} |" in page, "run `make bench` and commit what it writes"


def test_growth_is_the_slope_of_a_line_and_its_error_that_of_chance() -> None:
    jobs = [100.0, 200.0, 300.0, 400.0]
    assert Line.through(jobs, [10.0, 12.0, 14.0, 16.0]) == Line(2.0, 0.0)
    assert Line.through(jobs, [10.0, 12.0, 14.0, 16.0]).grows
    # By hand: residuals −.2, .6, −.6, .2 around a slope of .2; √(.8 / 2 / 5).
    line = Line.through(jobs, [9.5, 10.5, 9.5, 10.5])
    assert (line.slope, line.error) == pytest.approx((0.2, 0.2828, 0.0)[:2], abs=1e-4)
    assert not line.grows
