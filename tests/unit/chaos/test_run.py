"""A run can be had again by its seed, and says what was broken."""

import itertools
from collections import Counter
from pathlib import Path
from typing import cast

import pytest

from bench.chaos import faults, outcome
from shared.crash_points import Action, CrashPoint
from tests.chaos.__main__ import play
from tests.chaos.act import Act, NotHere
from tests.chaos.emulators import Cloud
from tests.chaos.oracle import Kind, Violation
from tests.chaos.report import Report
from tests.chaos.schedule import rounds, schedule
from tests.chaos.stage import Chaos

FAR = float("inf")


def names(seed: int, *, long: bool = False) -> list[str]:
    return [act.name for act in schedule(seed, long=long)]


def test_the_same_seed_draws_the_same_acts_in_the_same_order() -> None:
    assert names(7) == names(7)
    assert names(7) != names(8)


@pytest.mark.parametrize("long", [False, True])
def test_every_cell_of_both_kill_matrices_is_in_a_run(*, long: bool) -> None:
    supervisor = (
        *(CrashPoint.RECEIVED, CrashPoint.CLAIMED, CrashPoint.ENGINE_START, CrashPoint.STEP),
        *(CrashPoint.UPLOADED, CrashPoint.FINISHING, CrashPoint.ACKNOWLEDGING),
    )
    acts = schedule(1, long=long)
    assert len({act.name for act in acts}) == len(acts)
    for action in (Action.SIGKILL, Action.SIGTERM, Action.SIGSTOP):
        hit = [act.name for act in acts if act.name.startswith(f"engine {action} at ")]
        points = [point for name in hit for point in name.partition(" at ")[2].split(", ")]
        assert sorted(points) == sorted(supervisor)
        for point in supervisor:
            killed = [
                act.name
                for act in acts
                if act.name.startswith(f"supervisor {point}:") and act.name.endswith(action)
            ]
            assert len(killed) == 1


def test_a_short_run_begins_with_one_act_of_each_kind() -> None:
    acts = schedule(3, long=False)
    kinds = [act.kind for act in acts]
    assert len(set(kinds[: len(set(kinds))])) == len(set(kinds))


def test_a_long_run_goes_on_with_all_acts_drawn_anew() -> None:
    once = names(3, long=True)
    acts = list(itertools.islice(rounds(3, long=True), 3 * len(once)))
    assert [act.name for act in acts[: len(once)]] == once
    assert len({act.name for act in acts}) == len(acts)
    assert [act.again for act in acts] == [False] * len(once) + [True] * 2 * len(once)
    again = itertools.islice(rounds(3, long=True), len(acts))
    assert [act.name for act in again] == [act.name for act in acts]


def test_a_short_run_plays_every_act_at_most_once() -> None:
    assert [act.name for act in rounds(3, long=False)] == names(3)


def chaos(report: Report, folder: Path) -> Chaos:
    nowhere = cast("Cloud", None)
    return Chaos(cloud=nowhere, folder=folder, report=report)


def raising(error: Exception) -> Act:
    def fail(_: Chaos) -> None:
        raise error

    return Act(kind="any", name="an act", play=fail)


def test_an_act_that_could_not_be_played_is_a_failure_of_the_run(tmp_path: Path) -> None:
    report = Report(seed=1)
    play(raising(TimeoutError("no point was reached")), chaos(report, tmp_path), FAR)
    assert not report.clean
    assert "no point was reached" in report.in_words()


def test_what_this_machine_lacks_is_said_and_is_no_failure(tmp_path: Path) -> None:
    report = Report(seed=1)
    play(raising(NotHere("there is no library")), chaos(report, tmp_path), FAR)
    assert report.clean
    assert "left out: an act: there is no library" in report.in_words()


def test_no_act_begins_that_would_not_be_over_in_time(tmp_path: Path) -> None:
    report = Report(seed=1)
    play(raising(AssertionError("it was played")), chaos(report, tmp_path), deadline=0.0)
    assert report.clean
    assert report.to_json()["omitted"] == ["an act: no time was left"]


def test_a_broken_promise_is_counted_by_its_kind_and_named() -> None:
    report = Report(seed=1)
    report.judged("an act", 3, [Violation(Kind.LOST, "g1 is queued at the end")])
    figures = report.to_json()
    assert (figures["jobs"], figures["lost"], figures["duplicated"]) == (3, 1, 0)
    assert not report.clean
    assert "BROKEN in an act: lost: g1 is queued at the end" in report.in_words()


def test_the_figures_tell_what_was_broken_and_what_came_of_it() -> None:
    report = Report(seed=5)
    report.faults = Counter(
        {"supervisor SIGKILL at claimed": 1, "supervisor SIGKILL at step": 1, "zombie": 2}
    )
    report.judged("an act", 9, [Violation(Kind.BACKWARDS, "g1")])
    for seconds in (10.0, 12.0):
        report.recovered(seconds)
    report.left([1.0, 2.0])
    report.cancelled(1)
    figures = report.to_json()
    assert dict(faults(figures)) == {"supervisor: SIGKILL": "2", "zombie": "2"}
    rows = dict(outcome(figures))
    assert rows["generations"] == "9"
    assert rows["faults"] == "4"
    assert rows["other promises broken"] == "1"
    assert rows["kill -9 → generation ended, p50 of 2"] == "11.0 s"
    assert [name for name in rows if name.startswith("SIGTERM → process gone")] == [
        "SIGTERM → process gone, p50 of 2",
        "SIGTERM → process gone, longest of 2",
    ]
