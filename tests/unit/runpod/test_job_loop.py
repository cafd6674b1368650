"""RunPod's real loop in a real worker process, against a double of RunPod's API."""

import base64
import io
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests.unit.runpod.conftest import END_SECONDS, LEAVE_SECONDS, Worker, running_endpoint
from tests.unit.runpod.double import RunPod
from tests.unit.runpod.light_endpoint import LOAD_FAULT, LOAD_VARIABLE

PROMPT = "a red circle that nobody may log"
QUICK = {"prompt": PROMPT, "seed": 7, "num_inference_steps": 2, "width": 64, "height": 64}
#: Far longer than any test waits, unless it is stopped.
SLOW = {**QUICK, "prompt": f"slow {PROMPT}", "num_inference_steps": 150}
BRIEF = {**SLOW, "num_inference_steps": 15}


@pytest.fixture(scope="module")
def worker(runpod: RunPod, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("endpoint")
    with running_endpoint(folder, **runpod.environment) as worker:
        yield worker


def test_a_job_comes_back_with_its_picture_as_a_data_url(worker: Worker, runpod: RunPod) -> None:
    result = runpod.result(runpod.submit(QUICK))
    assert result.keys() == {"output"}
    assert result["output"].keys() == {"image_url", "images", "seed"}
    assert result["output"]["seed"] == 7
    head, _, data = result["output"]["image_url"].partition(",")
    assert head == "data:image/png;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (64, 64)


def test_a_bad_request_comes_back_as_a_sentence(worker: Worker, runpod: RunPod) -> None:
    result = runpod.result(runpod.submit({**QUICK, "width": 99999}))
    sentence = "width is 99999; it must be a whole number from 64 to 2048, a multiple of 8."
    assert result == {"error": f"invalid_input: {sentence}"}


def test_as_many_jobs_are_in_hand_as_there_are_slots(worker: Worker, runpod: RunPod) -> None:
    jobs = [runpod.submit(SLOW), runpod.submit(SLOW)]
    assert runpod.ping(lambda it: sorted(it.get("job_id", [""])[0].split(",")) == sorted(jobs))
    assert max(runpod.asked) == 2
    # The engine goes on with the second, which is there already, when it is done with the first.
    first, second = jobs
    runpod.progress(first)
    runpod.stop(first)
    runpod.progress(second)
    runpod.stop(second)


def test_progress_is_posted_once_a_second_and_never_after_the_result(
    worker: Worker, runpod: RunPod
) -> None:
    job = runpod.submit({**BRIEF, "num_inference_steps": 25})
    runpod.result(job)
    # Whatever was under way when the result came would have come by the end of the next job.
    runpod.result(runpod.submit(QUICK))
    posts = runpod.posts(job)
    assert [it.is_progress for it in posts] == [True] * (len(posts) - 1) + [False]
    progress = [it.body["output"] for it in posts[:-1]]
    assert len(progress) >= 2
    assert all(it.keys() == {"fraction", "stage", "step", "total_steps"} for it in progress)
    assert progress == sorted(progress, key=lambda it: it["fraction"])
    assert len(progress) <= posts[-1].at - posts[0].at + 2


def test_a_stopped_job_stops_within_a_step_and_has_no_result(
    worker: Worker, runpod: RunPod
) -> None:
    job = runpod.submit(SLOW)
    runpod.progress(job)
    runpod.stop(job)
    # There is one engine: the next one's result means that it has left the stopped one.
    stopped_at = time.monotonic()
    runpod.result(runpod.submit(QUICK))
    assert time.monotonic() - stopped_at < 10
    assert [it for it in runpod.posts(job) if not it.is_progress] == []
    assert '"message": "stopped: cancelled"' in worker.log


def test_nothing_of_a_request_or_a_result_is_in_the_log(worker: Worker, runpod: RunPod) -> None:
    runpod.result(runpod.submit(QUICK))
    assert PROMPT not in worker.log
    assert "base64" not in worker.log
    assert '"message": "ready"' in worker.log


def test_sigterm_gives_the_job_back_without_a_result_and_leaves_in_time(
    worker: Worker, runpod: RunPod
) -> None:
    job = runpod.submit(SLOW)
    runpod.progress(job)
    children = psutil.Process(worker.process.pid).children(recursive=True)
    # That which pings is no copy of us: it would hold the engine's pipes.
    assert any("spawn_main" in " ".join(child.cmdline()) for child in children)
    told_at = time.monotonic()
    worker.process.terminate()
    assert worker.process.wait(END_SECONDS) == 0
    assert time.monotonic() - told_at < LEAVE_SECONDS
    assert [it for it in runpod.posts(job) if not it.is_progress] == []
    assert psutil.wait_procs(children, timeout=END_SECONDS)[1] == []


def test_a_lost_engine_is_told_with_a_refresh_and_ends_the_worker(tmp_path: Path) -> None:
    with RunPod() as runpod, running_endpoint(tmp_path, **runpod.environment) as worker:
        result = runpod.result(runpod.submit({**QUICK, "prompt": "lose it"}))
        assert result["stopPod"] is True
        assert result["error"].startswith("service_unavailable: This worker has lost its model")
        assert worker.process.wait(END_SECONDS) == 1


def test_a_worker_whose_model_cannot_be_loaded_is_reported_unfit(tmp_path: Path) -> None:
    with RunPod() as runpod:
        variables = {**runpod.environment, LOAD_VARIABLE: "fail"}
        with running_endpoint(tmp_path, **variables) as worker:
            ping = runpod.ping(lambda it: it.get("status") == ["unhealthy"])
            assert LOAD_FAULT in ping["reason"][0]
            assert worker.process.wait(END_SECONDS) == 1
        assert runpod.asked == []


def test_sigterm_while_the_model_is_loaded_is_no_fault(tmp_path: Path) -> None:
    with RunPod() as runpod:
        variables = {**runpod.environment, LOAD_VARIABLE: "never"}
        health = tmp_path / "health.json"
        with running_endpoint(tmp_path, **variables, EMBERFRAME_HEALTH_FILE=str(health)) as worker:
            while "fitness check(s)" not in worker.log:
                assert worker.process.poll() is None, worker.log
            worker.process.terminate()
            assert worker.process.wait(END_SECONDS) == 0, worker.log
        assert runpod.pings == []
