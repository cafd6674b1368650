"""Requests that cannot work, engines that die, services that are away."""

import pytest

from gpu_worker.engine.specs import PICTURE_TASKS
from gpu_worker.in_memory_engine import InMemoryEngine, Script
from gpu_worker.lifecycle.handled import Done, Later
from gpu_worker.time_limits import TimeLimits
from shared.paths import GenerationPath
from tests.unit.lifecycle.stores import PATH
from tests.unit.lifecycle.world import INPUT, World, crashing, held


def test_invalid_input_fails_with_a_sentence_and_is_not_retried(world: World) -> None:
    world.submit(input={"prompt": "x", "width": 99_999})
    worker = world.worker()
    assert worker.handle() == Done()
    data = world.documents.data()
    assert data["status"] == "failed"
    assert data["error"] == {
        "code": "invalid_input",
        "message": "width is 99999; it must be a whole number from 64 to 2048, a multiple of 8.",
        "retryable": False,
    }
    assert worker.engine.ran == []


def test_another_user_s_id_in_the_request_fails(world: World) -> None:
    world.submit(input={**INPUT, "user_id": "eve"})
    world.worker().handle()
    error = world.documents.data()["error"]
    assert error["code"] == "invalid_input"
    assert "user_id" in error["message"]


def test_a_task_the_engine_does_not_serve_fails_without_a_retry(world: World) -> None:
    world.submit(input={"task_type": "text2video", "prompt": "waves"})
    assert world.worker(engine=InMemoryEngine(tasks=PICTURE_TASKS)).handle() == Done()
    assert world.documents.data()["error"]["code"] == "unsupported_task"


@pytest.mark.parametrize("draw", [0.0, 0.5, 0.999])
def test_a_crashed_engine_sends_the_generation_back_to_the_queue(
    world: World, monkeypatch: pytest.MonkeyPatch, draw: float
) -> None:
    monkeypatch.setattr("random.random", lambda: draw)
    world.submit()
    assert world.worker(crashing).handle() == Later(seconds=2 * draw)
    data = world.documents.data()
    assert (data["status"], data["attempt"]) == ("queued", 1)
    assert data["lease"] == {"token": 1, "worker_id": None, "expires_at": None}
    assert data["error"]["code"] == "engine_crashed"
    assert data["error"]["retryable"] is True


def test_a_generation_of_an_earlier_release_says_since_when_it_waits(world: World) -> None:
    world.submit(status="queued", queued_at=None)
    began = world.clock.now()
    worker = world.worker(crashing)
    for _ in range(2):
        assert isinstance(worker.handle(), Later)
        data = world.documents.data()
        assert (data["status"], data["queued_at"]) == ("queued", began)
        world.backoff_over()
    assert data["started_at"] > began


def test_another_message_of_a_generation_that_just_failed_waits_for_its_backoff(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.random", lambda: 0.75)
    world.submit()
    worker = world.worker(crashing)
    assert worker.handle() == Later(seconds=1.5)
    assert worker.handle() == Later(seconds=1.5)
    assert len(worker.engine.ran) == 1
    world.clock.advance(1.5)
    assert worker.handle() == Later(seconds=3), "the second backoff is twice as long"
    assert len(worker.engine.ran) == 2


def test_a_poison_generation_fails_in_the_end_and_the_others_on_its_worker_go_on(
    world: World,
) -> None:
    others = [GenerationPath(uid="ada", generation_id=f"good-{number}") for number in range(3)]
    world.submit()
    for path in others:
        world.submit(path)
    worker = world.worker(
        lambda job: Script(fail_at=1 if job.job_id.startswith(str(PATH)) else None)
    )
    for path in others[:2]:
        assert isinstance(worker.handle(), Later)
        assert worker.handle(path) == Done()
        world.backoff_over()
    assert worker.handle() == Done()
    assert worker.handle(others[2]) == Done()
    assert world.documents.data()["error"]["code"] == "attempts_exhausted"
    assert {world.documents.data(path)["status"] for path in others} == {"completed"}


def test_a_generation_at_its_time_limit_fails_with_a_sentence_and_is_not_tried_again(
    world: World,
) -> None:
    world.submit()
    worker = world.worker(held, time_limits=TimeLimits(image_seconds=0.1))
    assert worker.handle() == Done()
    data = world.documents.data()
    assert data["status"] == "failed"
    assert data["error"] == {
        "code": "timed_out",
        "message": "The generation took longer than the 0.1 seconds that text2img may take here; "
        "ask for fewer steps, fewer images or a smaller size.",
        "retryable": False,
    }
    assert world.objects.names == set()


def test_a_film_has_a_limit_of_its_own(world: World) -> None:
    world.submit(input={"task_type": "text2video", "prompt": "waves"})
    limits = TimeLimits(image_seconds=0.0, film_seconds=0.1)
    assert world.worker(lambda _: Script(hold_at=1), time_limits=limits).handle() == Done()
    message = world.documents.data()["error"]["message"]
    assert "longer than the 0.1 seconds that text2video may take here" in message
    assert "fewer frames" in message


def test_a_retry_that_succeeds_leaves_no_error_behind(world: World) -> None:
    world.submit()
    worker = world.worker(lambda job: Script(fail_at=1) if job.job_id.endswith("/1") else Script())
    assert isinstance(worker.handle(), Later)
    world.backoff_over()
    assert worker.handle() == Done()
    data = world.documents.data()
    assert (data["status"], data["attempt"], data["lease"]["token"]) == ("completed", 2, 2)
    assert "error" not in data
    assert "not_before" not in data


def test_the_third_failure_is_the_last_and_says_why(world: World) -> None:
    world.submit()
    worker = world.worker(crashing)
    handled = []
    for _ in range(3):
        handled.append(type(worker.handle()))
        world.backoff_over()
    assert handled == [Later, Later, Done]
    data = world.documents.data()
    assert (data["status"], data["attempt"]) == ("failed", 3)
    assert data["error"]["code"] == "attempts_exhausted"
    assert "The engine stopped unexpectedly" in data["error"]["message"]


def test_a_generation_whose_workers_die_without_a_word_fails_in_the_end(world: World) -> None:
    world.submit()
    for number in range(3):
        worker = world.worker(held, name=f"worker-{number}")
        worker.start()
        worker.wait_held(token=number + 1)
        world.clock.advance(31)
    assert world.worker().handle() == Done()
    data = world.documents.data()
    assert (data["status"], data["error"]["code"]) == ("failed", "attempts_exhausted")


def test_an_unexpected_fault_is_retried_and_shows_no_detail(world: World) -> None:
    world.submit()

    def fault(job: object) -> Script:
        raise ZeroDivisionError("secret detail")

    assert isinstance(world.worker(fault).handle(), Later)
    error = world.documents.data()["error"]
    assert error["code"] == "internal"
    assert "secret" not in error["message"]
