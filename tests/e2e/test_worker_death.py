"""Workers and engines that die or have to go in the middle of a generation lose nothing."""

import secrets
import signal
from pathlib import Path

import psutil

from tests.e2e.conftest import LEAVE_SECONDS, running_worker
from tools.demo.phone import Phone
from tools.stack import Stack
from tools.stack.worker import Worker

PATIENCE_SECONDS = 120.0
#: The shortest that the settings allow, so that a takeover does not take half a minute.
LEASE_SECONDS = "10"
LONG_REQUEST = {"prompt": "a red circle on a blue background", "num_inference_steps": 150}


def processing(phone: Phone, generation_id: str) -> int:
    """Return the lease's token once the phone sees that denoising has begun."""
    for event in phone.documents(generation_id, PATIENCE_SECONDS):
        if event["data"].get("progress", {}).get("stage") == "denoise":
            token: int = event["data"]["lease"]["token"]
            return token
    raise AssertionError("the generation ended before it was seen denoising")


def test_a_killed_worker_s_generation_is_finished_by_another(
    stack: Stack, phone: Phone, tmp_path: Path
) -> None:
    generation_id = secrets.token_hex(8)
    with running_worker(stack, tmp_path / "a", EMBERFRAME_LEASE_SECONDS=LEASE_SECONDS) as first:
        phone.create(generation_id, LONG_REQUEST)
        token = processing(phone, generation_id)
        first.process.kill()
        first.process.wait()
    with running_worker(stack, tmp_path / "b", EMBERFRAME_LEASE_SECONDS=LEASE_SECONDS):
        *_, last = phone.documents(generation_id, PATIENCE_SECONDS)

    assert last["data"]["status"] == "completed"
    assert last["data"]["attempt"] == 2
    assert last["data"]["lease"]["token"] == token + 1
    (folder,) = {file["storage_path"].split("/")[4] for file in last["data"]["output"]["files"]}
    assert folder == str(token + 1)


def test_a_worker_that_is_asked_to_go_gives_its_generation_back_at_once(
    stack: Stack, phone: Phone, tmp_path: Path
) -> None:
    generation_id = secrets.token_hex(8)
    with running_worker(stack, tmp_path / "a") as first:
        phone.create(generation_id, LONG_REQUEST)
        processing(phone, generation_id)
        engines = psutil.Process(first.process.pid).children()
        first.process.send_signal(signal.SIGTERM)
        assert first.process.wait(LEAVE_SECONDS) == 0
        assert not [engine for engine in engines if engine.is_running()]
    with running_worker(stack, tmp_path / "b"):
        *_, last = phone.documents(generation_id, PATIENCE_SECONDS)

    assert last["data"]["status"] == "completed"
    assert last["data"]["attempt"] == 1, "what was given back on purpose is no failed attempt"


def test_a_killed_engine_is_replaced_and_the_generation_tried_again(
    stack: Stack, phone: Phone, tmp_path: Path
) -> None:
    generation_id = secrets.token_hex(8)
    with running_worker(stack, tmp_path / "a") as worker:
        phone.create(generation_id, LONG_REQUEST)
        processing(phone, generation_id)
        engine_of(worker).kill()
        *_, last = phone.documents(generation_id, PATIENCE_SECONDS)

    assert last["data"]["status"] == "completed"
    assert last["data"]["attempt"] == 2


def engine_of(worker: Worker) -> psutil.Process:
    (engine,) = psutil.Process(worker.process.pid).children()
    return engine
