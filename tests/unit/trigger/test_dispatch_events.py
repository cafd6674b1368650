"""What Pub/Sub events and deletions make of the functions of a dispatched deployment."""

import base64
import logging
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from shared.message import GenerationMessage
from shared.paths import IMAGE_TOPIC, GenerationPath
from shared.ports import Unavailable
from shared.serverless import Misconfigured
from trigger import main, wiring
from trigger.dispatch import Handed, Outcome

SECRET = "a red circle that nobody may log"
PATH = GenerationPath(uid="ann", generation_id="g1")
GOOD = GenerationMessage(path=PATH).to_bytes()


def event(data: bytes | str | None) -> Any:
    text = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    return SimpleNamespace(data=SimpleNamespace(message=SimpleNamespace(data=text)))


def deliver(data: bytes | str | None) -> None:
    vars(main)["_dispatch"](event(data))


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, int, dict[str, Any]]]:
    return [(it.message, it.levelno, vars(it)["fields"]) for it in caplog.records]


class Dispatching:
    """In place of the use case."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.paths: list[GenerationPath] = []

    def dispatch(self, path: GenerationPath) -> Handed:
        self.paths.append(path)
        if self.error is not None:
            raise self.error
        return Handed(outcome=Outcome.STARTED, job_id="job-1")


@pytest.fixture(autouse=True)
def all_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def use(monkeypatch: pytest.MonkeyPatch, dispatching: Dispatching) -> Dispatching:
    monkeypatch.setattr(wiring, "dispatcher", lambda: dispatching)
    return dispatching


def test_a_message_is_handed_on_and_the_log_says_what_became_of_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dispatching = use(monkeypatch, Dispatching())
    deliver(GOOD)
    assert dispatching.paths == [PATH]
    ((message, level, fields),) = told(caplog)
    assert (message, level) == ("dispatch", logging.INFO)
    expected = {"generation": str(PATH), "outcome": "started", "job": "job-1"}
    assert expected.items() <= fields.items()


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"not json", None, "not base64!", "ä"])
def test_a_message_that_is_none_of_ours_is_dropped_with_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, data: bytes | str | None
) -> None:
    dispatching = use(monkeypatch, Dispatching())
    deliver(data)
    assert dispatching.paths == []
    ((message, level, _),) = told(caplog)
    assert (message, level) == ("dispatch", logging.ERROR)


def test_a_message_of_a_newer_release_fails_so_that_it_comes_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dispatching = use(monkeypatch, Dispatching())
    with pytest.raises(main.Failed):
        deliver(GOOD.replace(b'"schema_version":1', b'"schema_version":99'))
    assert dispatching.paths == []
    ((_, level, fields),) = told(caplog)
    assert (level, fields["error"]) == (logging.ERROR, "NewerSchema")


def test_what_an_operator_has_to_mend_is_one_line_with_its_reason_and_the_run_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reason = "RunPod does not take RUNPOD_API_KEY (HTTP 401)"
    use(monkeypatch, Dispatching(Misconfigured(reason)))
    with pytest.raises(main.Failed) as caught:
        deliver(GOOD)
    assert caught.value.__cause__ is caught.value.__context__ is None
    ((_, level, fields),) = told(caplog)
    assert level == logging.ERROR
    assert fields["reason"] == reason


@pytest.mark.parametrize("error", [Unavailable(SECRET), ValueError(SECRET)])
def test_any_other_failure_is_told_without_its_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    use(monkeypatch, Dispatching(error))
    with pytest.raises(main.Failed):
        deliver(GOOD)
    ((_, _, fields),) = told(caplog)
    assert fields["error"] == type(error).__name__
    assert SECRET not in str(fields) + caplog.text


class TestDeletion:
    """What `cleanup` does with the job of a deleted generation."""

    DELETED: Any = SimpleNamespace(
        document=str(PATH), data=SimpleNamespace(to_dict=lambda: {"status": "queued"})
    )

    @pytest.fixture(autouse=True)
    def wired(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wiring, "give_back", lambda: lambda *_: 1)
        monkeypatch.setattr(wiring, "clean_up", lambda: lambda *_: 2)

    def run(self) -> None:
        vars(main.cleanup)["__wrapped__"].__wrapped__(self.DELETED)

    def test_it_is_cancelled_where_generations_are_dispatched(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        seen: list[Any] = []

        def withdraw(deleted: Any) -> bool:
            seen.append(deleted)
            return True

        monkeypatch.setattr(main, "DISPATCHED", {IMAGE_TOPIC})
        monkeypatch.setattr(wiring, "withdraw_deleted", lambda: withdraw)
        self.run()
        assert seen == [{"status": "queued"}]
        (_, _, cleaned), (what, _, fields) = told(caplog)
        assert (cleaned["removed"], what, fields["cancelled"]) == (2, "withdraw", True)

    def test_elsewhere_nothing_is_known_of_jobs(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(wiring, "withdraw_deleted", fail)
        self.run()
        assert [message for message, _, _ in told(caplog)] == ["cleanup"]

    def test_one_that_fails_keeps_the_files_from_nothing_and_fails_the_run(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(main, "DISPATCHED", {IMAGE_TOPIC})
        monkeypatch.setattr(wiring, "withdraw_deleted", fail)
        with pytest.raises(main.Failed):
            self.run()
        assert [(message, level) for message, level, _ in told(caplog)] == [
            ("cleanup", logging.INFO),
            ("withdraw", logging.ERROR),
        ]


def fail() -> NoReturn:
    raise Unavailable(SECRET)
