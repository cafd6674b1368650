"""How an act waits: for the queue a minute long, and then in one way for what the sweep does."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from shared.paths import GenerationPath
from shared.status import Status
from tests.chaos import stage as stages
from tests.chaos.evidence import State
from tests.chaos.recorder import NotSeen
from tests.chaos.report import Report
from tests.chaos.stage import SWEEP_EVERY_SECONDS, UNSWEPT_SECONDS, Chaos, Stage
from tests.unit.lifecycle.world import START
from trigger.sweep import Swept

PATH = GenerationPath(uid="ada", generation_id="g1")
ENDED = State(status=Status.COMPLETED, token=1, worker_id=None, attempt=1, at=START)
#: What one sweep does here.
SETTLED = 2


class Recorded:
    """What an act does, in order; its document has ended after `after` of it."""

    def __init__(self, after: str) -> None:
        self.done: list[str] = []
        self._after = after

    @property
    def _ended(self) -> bool:
        return self._after in self.done

    def look(self) -> None:
        self.done.append("look")

    def sweep(self, _: object) -> Swept:
        self.done.append("sweep")
        return Swept(counts=Counter({"republished": SETTLED}))

    def wait_for_ends(self, seconds: float) -> bool:
        self.done += [f"wait {seconds:g}"] if seconds and not self._ended else []
        return self._ended

    def wait_for(self, _: object, reached: Callable[[State], bool], seconds: float) -> State:
        if not self.wait_for_ends(seconds):
            raise NotSeen(PATH)
        assert reached(ENDED)
        return ENDED


def acting(recorded: Recorded, folder: Path, patch: pytest.MonkeyPatch) -> Stage:
    patch.setattr(stages, "sweep_documents", recorded.sweep)
    nothing = cast("Any", None)
    chaos = Chaos(cloud=nothing, folder=folder, report=Report(seed=1))
    return Stage(chaos, "an act", nothing, nothing, cast("Any", recorded))


MINUTE, WHILE = f"wait {UNSWEPT_SECONDS:g}", f"wait {SWEEP_EVERY_SECONDS:g}"


@pytest.mark.parametrize(
    ("after", "done"),
    [
        (MINUTE, [MINUTE, "look"]),  # the listener was not told of it
        ("sweep", [MINUTE, "look", "sweep"]),
        (WHILE, [MINUTE, "look", "sweep", WHILE, "look"]),
    ],
)
def test_what_has_not_ended_in_a_minute_is_looked_up_and_then_swept(
    after: str, done: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(Recorded):
        """What a wait brings about is seen after it."""

        def wait_for_ends(self, seconds: float) -> bool:
            before = self._ended
            super().wait_for_ends(seconds)
            return before

    waits: list[Callable[[Stage], object]] = [
        lambda it: it.wait_for_end(PATH),
        lambda it: it._bring_home(it.recorder.wait_for_ends),
    ]
    for wait in waits:
        recorded = Late(after)
        stage = acting(recorded, tmp_path, monkeypatch)
        wait(stage)
        assert recorded.done == done
        assert stage.chaos.report.brought_home == SETTLED * done.count("sweep")


def test_what_an_act_took_from_the_queue_is_swept_home_in_the_same_way_and_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = Recorded("sweep")
    stage = acting(recorded, tmp_path, monkeypatch)
    stage.sweep_until_home()
    assert recorded.done == ["look", "sweep"]
    assert stage.chaos.report.brought_home == 0
