"""`python -m gpu_worker push` behind the Pub/Sub emulator's push: real processes, real requests."""

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.message import GenerationMessage
from tests.chaos.light_worker import STEP_VARIABLE
from tests.e2e.conftest import LEAVE_SECONDS
from tests.emulator.push_project import REAL, PushProject
from tools.stack import Stack

#: A job of about that many half seconds, with an engine that only plays.
STEPS = 20
SLOW = {STEP_VARIABLE: "0.5"}
#: The shortest that the settings allow.
SHORT_LEASE = {"EMBERFRAME_LEASE_SECONDS": "10"}


@pytest.fixture
def project(stack: Stack, tmp_path: Path) -> Iterator[PushProject]:
    project = PushProject(stack, tmp_path)
    yield project
    project.close()


def denoising(data: Mapping[str, Any]) -> bool:
    return bool(data.get("progress", {}).get("stage") == "denoise")


@pytest.mark.stack
def test_the_real_engine_completes_what_was_pushed_before_it_was_warm(project: PushProject) -> None:
    project.subscribe()
    early = project.submit(num_inference_steps=2)
    with project.worker(command=REAL) as worker:
        assert [project.probe("alive"), project.probe("ready")] == [200, 200]
        data = project.ended(early)
        assert (data["status"], data["attempt"]) == ("completed", 1)
        (file,) = data["output"]["files"]
        assert project.bucket.blob(file["storage_path"]).exists()
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(LEAVE_SECONDS) == 0


@pytest.mark.stack
def test_what_finds_every_slot_taken_or_cannot_be_read_ends_all_the_same(
    project: PushProject,
) -> None:
    project.subscribe()
    settings = {STEP_VARIABLE: "0.2", "EMBERFRAME_SLOTS": "1"}
    with project.worker(settings) as worker:
        project.publish(b"{")
        paths = [project.submit(num_inference_steps=5) for _ in range(3)]
        project.publish(GenerationMessage(path=paths[0]).to_bytes())
        for path in paths:
            data = project.ended(path)
            assert (data["status"], data["attempt"]) == ("completed", 1)
        log = worker.log.read_text()
    assert "every slot is taken" in log
    assert log.count("dropped a message") == 1, "acknowledged, or it would have come again"


@pytest.mark.stack
def test_a_killed_worker_s_generation_is_finished_by_another(project: PushProject) -> None:
    project.subscribe()
    with project.worker({**SLOW, **SHORT_LEASE}) as worker:
        path = project.submit(num_inference_steps=STEPS)
        token = project.wait_for(path, denoising)["lease"]["token"]
        worker.process.kill()
        worker.process.wait()
    with project.worker(SHORT_LEASE):
        data = project.ended(path)
    assert (data["status"], data["attempt"]) == ("completed", 2)
    assert data["lease"]["token"] == token + 1


@pytest.mark.stack
def test_a_worker_that_has_to_go_gives_its_generation_back(project: PushProject) -> None:
    project.subscribe()
    with project.worker(SLOW) as worker:
        path = project.submit(num_inference_steps=STEPS)
        project.wait_for(path, denoising)
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(LEAVE_SECONDS) == 0
        assert project.data(path)["status"] == "queued"
    with project.worker():
        data = project.ended(path)
    assert (data["status"], data["attempt"]) == ("completed", 1)


@pytest.mark.stack
def test_a_job_that_outlasts_its_request_is_done_once(project: PushProject) -> None:
    """The emulator cuts requests at the ack deadline, as the service does."""
    project.subscribe(ack_deadline_seconds=10)
    with project.worker(SLOW) as worker:
        path = project.submit(num_inference_steps=STEPS + 10)
        data = project.ended(path)
        log = worker.log.read_text()
    assert (data["status"], data["attempt"]) == ("completed", 1)
    assert log.count('"message": "claimed"') == 1
    assert '"acknowledged": false' in log, "its message came again while it ran"
    assert data["input"]["prompt"] not in log
