"""What the log says of a generation, and never says: prompts, addresses."""

import logging
from collections.abc import Callable

import pytest

from gpu_worker.in_memory_engine import Script
from shared.errors import ErrorCode, GenerationError
from tests.unit.lifecycle.stores import PATH, faulty_write
from tests.unit.lifecycle.world import PROMPT, World, crashing


@pytest.mark.parametrize(
    "script",
    [
        lambda _: Script(),
        crashing,
        lambda _: Script(
            fail_at=1, failure=GenerationError(ErrorCode.OUT_OF_MEMORY, f"{PROMPT} is too big")
        ),
    ],
    ids=["completed", "crashed", "out of memory"],
)
def test_no_log_line_holds_a_prompt_or_a_url(
    world: World, caplog: pytest.LogCaptureFixture, script: Callable[[object], Script]
) -> None:
    caplog.set_level(logging.DEBUG)
    world.submit()
    world.worker(script).handle()
    text = "\n".join(f"{vars(record)}" for record in caplog.records)
    assert "users/ada/generations/g1" in text
    assert PROMPT not in text
    assert "memory:" not in text


def refuse_upload(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def create(*_: object, **__: object) -> None:
        raise ValueError(f"{PROMPT} is no name")

    monkeypatch.setattr(world.objects, "create", create)


def refuse_finish(world: World, _: pytest.MonkeyPatch) -> None:
    world.documents.before = faulty_write("completed", lambda: PermissionError(PROMPT), 1)


@pytest.mark.parametrize("fault", [refuse_upload, refuse_finish])
def test_an_unexpected_error_that_quotes_the_prompt_is_logged_by_kind_and_place(
    world: World,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[World, pytest.MonkeyPatch], None],
) -> None:
    caplog.set_level(logging.DEBUG)
    world.submit()
    fault(world, monkeypatch)
    world.worker().handle()
    (record,) = [it for it in caplog.records if "error" in vars(it).get("fields", {})]
    fields = vars(record)["fields"]
    assert fields["error"] in ("ValueError", "PermissionError")
    assert fields["generation"] == str(PATH)
    assert fields["calls"]
    assert PROMPT not in "\n".join(f"{vars(record)}" for record in caplog.records)
