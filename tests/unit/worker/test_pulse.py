"""A part that stops moving is missed, and only that."""

from gpu_worker.pulse import STUCK_LOOKS, Pulse


def test_a_part_that_beats_between_looks_is_never_stuck() -> None:
    pulse = Pulse()
    for _ in range(3 * STUCK_LOOKS):
        pulse.beat("a stream")
        assert pulse.look() == []


def test_a_part_that_stops_is_stuck_after_so_many_looks() -> None:
    pulse = Pulse()
    pulse.beat("one")
    pulse.beat("other")
    looks = 0
    while not (stuck := pulse.look()):
        pulse.beat("other")
        looks += 1
    assert stuck == ["one"]
    assert looks == STUCK_LOOKS


def test_what_never_beat_is_not_missed() -> None:
    assert Pulse().look() == []
