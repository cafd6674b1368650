"""The demo says who does not take a generation up, and goes on waiting until its deadline."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.demo.following import GENERATION_TIMEOUT_SECONDS, follow
from tools.demo.phone import Event

LOGS = {name: Path(f"/logs/{name}.log") for name in ("firebase", "firestore", "worker")}


class ScriptedPhone:
    """Each status comes so many seconds after the one before; only waiting passes time."""

    def __init__(self, *script: tuple[float, str]) -> None:
        self.now = 0.0
        self._script = list(script)
        self._next = self._script[0][0] if script else 0.0

    def clock(self) -> float:
        return self.now

    def documents(self, generation_id: str, timeout_seconds: float) -> Iterator[Event]:
        deadline = self.now + timeout_seconds
        if not self._script or self._next > deadline:
            self.now = deadline
            raise TimeoutError(f"the phone saw nothing within {timeout_seconds:g} s")
        self.now = self._next
        _, status = self._script.pop(0)
        if self._script:
            self._next = self.now + self._script[0][0]
        yield {"event": "document", "id": generation_id, "data": {"status": status}}


def followed(phone: ScriptedPhone, notices: list[str]) -> list[str]:
    events = follow(phone, "g1", logs=LOGS, notice=notices.append, clock=phone.clock)
    return [event["data"]["status"] for event in events]


def test_a_generation_that_moves_is_followed_to_its_end_without_a_word() -> None:
    phone = ScriptedPhone((1, "pending"), (1, "queued"), (25, "processing"), (250, "completed"))
    notices: list[str] = []
    assert followed(phone, notices) == ["pending", "queued", "processing", "completed"]
    assert notices == []


@pytest.mark.parametrize("seen", [[], ["pending"]])
def test_one_that_stays_pending_is_told_with_the_function_s_log_once(seen: list[str]) -> None:
    phone = ScriptedPhone(*((0, status) for status in seen), (100, "failed"))
    notices: list[str] = []
    assert followed(phone, notices) == [*seen, "failed"]
    assert notices == [
        "Still pending after 30 s: the function has not taken it. See /logs/firebase.log"
    ]


def test_one_that_stays_queued_is_told_with_the_worker_s_log() -> None:
    phone = ScriptedPhone((1, "queued"), (40, "processing"), (1, "completed"))
    notices: list[str] = []
    followed(phone, notices)
    assert notices == ["Still queued after 30 s: the worker has not taken it. See /logs/worker.log"]


@pytest.mark.parametrize("status", ["pending", "queued", "processing"])
def test_the_end_of_patience_says_in_which_status_it_was(status: str) -> None:
    phone = ScriptedPhone((0, status))
    with pytest.raises(TimeoutError, match=f"the generation was {status} after 300 s"):
        followed(phone, [])
    assert phone.now == GENERATION_TIMEOUT_SECONDS
