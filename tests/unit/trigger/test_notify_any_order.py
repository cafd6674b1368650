"""In any order of events, sweeps, outages and deaths devices are told, and once without deaths."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.notice import MAX_WAIT_SECONDS
from shared.ports import Unavailable
from tests.unit.trigger.notifying import Killed, Phones

TOKENS = ("phone", "tablet", "browser")
#: Of two minutes at most each, far from a day.
MAX_STEPS = 12


class World:
    def __init__(self) -> None:
        self.phones = Phones(*TOKENS)
        self.phones.end()
        self.away: set[str] = set()
        #: Whose turn ends the process.
        self.deadly: str | None = None
        self.deaths = 0
        self.phones.push.before = self._before

    def _before(self, token: str) -> None:
        if token == self.deadly:
            self.deadly = None
            self.deaths += 1
            raise Killed
        if token in self.away:
            raise Unavailable("FCM is away")

    def surviving(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Killed:
            return

    def do(self, step: str) -> None:
        what, _, about = step.partition(" ")
        acts: dict[str, Callable[[], object]] = {
            "event": self.phones.notify,
            "sweep": self.phones.sweep,
            "wait": lambda: self.phones.clock.advance(float(about)),
            "leave": lambda: self.away.add(about),
            "return": lambda: self.away.discard(about),
            "kill": lambda: setattr(self, "deadly", about),
        }
        self.surviving(acts[what])


STEPS = st.lists(
    st.sampled_from([
        "event", "event", "sweep", "wait 1", "wait 60", "wait 120",
        *(f"{what} {token}" for token in TOKENS for what in ("leave", "return", "kill")),
    ]),
    max_size=MAX_STEPS,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_each_device_is_told_and_only_a_death_tells_it_again(steps: list[str]) -> None:
    world = World()
    for step in steps:
        world.do(step)
    world.away.clear()
    world.deadly = None
    world.do(f"wait {MAX_WAIT_SECONDS + 60}")
    world.do("sweep")
    assert world.phones.notice is None
    for tags in world.phones.told().values():
        assert set(tags) == {"g1"}
        assert len(tags) <= 1 + world.deaths
    world.do("event")
    world.do("sweep")
    assert world.phones.devices() == sorted(TOKENS, reverse=True)


def test_a_death_is_a_death() -> None:
    world = World()
    world.deadly = "tablet"
    with pytest.raises(Killed):
        world.phones.notify()
    assert world.deaths == 1
