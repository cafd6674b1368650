"""The engine process when something ends or hangs: it, its supervisor, or its memory."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import psutil
import pytest

from gpu_worker.adapters.engine_process import CLOSE_GRACE_SECONDS, EngineProcess
from gpu_worker.engine.specs import SHAPES, FolderSource
from gpu_worker.ports import EngineProgress, EngineUnavailable, JobCancelled
from shared.errors import ErrorCode, GenerationError
from tests.unit.engine.jobs import PATIENCE_SECONDS, make_job, run

#: From the end of the supervisor to the end of its engine; far under a lease.
ORPHAN_SECONDS = 5.0


#: Left to an engine that is short of memory: enough to think, not for a picture of 12 MB.
ROOM_BYTES = 4 * 2**20


@pytest.fixture
def loading() -> Iterator[EngineProcess]:
    """An engine of the test's own, still loading."""
    engine = EngineProcess("shapes")
    engine.start()
    yield engine
    engine.close()


def pid_of(engine: EngineProcess) -> int:
    assert engine.pid is not None
    return engine.pid


def test_the_supervisors_side_never_imports_torch() -> None:
    code = (
        "import sys, gpu_worker.adapters.engine_process, gpu_worker.once;"
        "import gpu_worker.in_memory_engine;"
        "print([m for m in ('torch', 'diffusers', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_an_engine_killed_at_work_fails_its_job_and_the_next_one_works(
    engine: EngineProcess,
) -> None:
    victim = pid_of(engine)

    def kill_at_two(progress: EngineProgress) -> None:
        if progress.step == 2:
            os.kill(victim, signal.SIGKILL)

    with pytest.raises(GenerationError) as crash:
        engine.run(make_job(num_inference_steps=150), kill_at_two)
    assert crash.value.code is ErrorCode.ENGINE_CRASHED
    assert crash.value.retryable
    assert "SIGKILL" not in crash.value.message
    assert str(crash.value.__cause__) == f"engine process {victim} was ended by SIGKILL"
    assert len(run(engine, num_inference_steps=2).pictures) == 1
    assert pid_of(engine) != victim


def test_an_engine_killed_while_idle_is_replaced_before_the_next_job(
    engine: EngineProcess,
) -> None:
    victim = pid_of(engine)
    os.kill(victim, signal.SIGKILL)
    with engine._changed:
        assert engine._changed.wait_for(lambda: engine._load.info is None, PATIENCE_SECONDS)
    assert pid_of(engine) != victim
    assert len(run(engine, num_inference_steps=2).pictures) == 1


def test_an_engine_that_dies_while_loading_is_an_error_and_starts_again_when_asked(
    loading: EngineProcess,
) -> None:
    os.kill(pid_of(loading), signal.SIGKILL)
    with pytest.raises(GenerationError) as crash:
        loading.wait_ready(PATIENCE_SECONDS)
    assert crash.value.code is ErrorCode.ENGINE_CRASHED
    assert loading.pid is None
    loading.start()
    assert loading.wait_ready(PATIENCE_SECONDS).models == ("shapes",)


def test_ctrl_c_and_sigterm_are_left_to_the_supervisor(engine: EngineProcess) -> None:
    before = pid_of(engine)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(before, number)
    assert len(run(engine, num_inference_steps=2).pictures) == 1
    assert pid_of(engine) == before


def test_an_engine_that_hangs_is_killed_when_it_is_closed(loading: EngineProcess) -> None:
    hanging = psutil.Process(pid_of(loading))
    hanging.suspend()
    started = time.monotonic()
    loading.close()
    assert time.monotonic() - started < CLOSE_GRACE_SECONDS + 3
    assert psutil.wait_procs([hanging], PATIENCE_SECONDS)[1] == []


def test_waiting_for_an_engine_that_takes_too_long_ends_with_a_sentence(
    loading: EngineProcess,
) -> None:
    with pytest.raises(GenerationError, match=r"not ready after 0\.01 seconds"):
        loading.wait_ready(0.01)


def test_asking_what_is_loaded_starts_no_engine() -> None:
    engine = EngineProcess("shapes")
    assert (engine.ready, engine.info, engine.pid) == (False, None, None)
    engine.close()


def test_while_an_engine_loads_there_is_nothing_to_tell_of_it(loading: EngineProcess) -> None:
    before = pid_of(loading)
    os.kill(before, signal.SIGSTOP)  # so that it stays at loading
    assert loading.info is None
    assert pid_of(loading) == before


def test_a_job_cancelled_while_the_engine_loads_ends_at_once(loading: EngineProcess) -> None:
    os.kill(pid_of(loading), signal.SIGSTOP)  # so that it stays at loading
    job = make_job()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(loading.run, job, lambda _: None)
        while not wait([waiting], 0.05).done:
            loading.cancel(job.job_id)  # unknown until it is in line
        assert isinstance(waiting.exception(), JobCancelled)
    assert not loading.ready


def test_closing_wakes_who_waits_for_a_loading_engine(loading: EngineProcess) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(loading.wait_ready, PATIENCE_SECONDS)
        loading.close()
        error = waiting.exception(PATIENCE_SECONDS)
    assert isinstance(error, GenerationError)
    assert error.message == "The engine is closed."


def test_an_engine_that_cannot_be_started_at_all_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    engine = EngineProcess("shapes")
    with pytest.raises(GenerationError, match="cannot be started: No such file or directory"):
        engine.wait_ready(PATIENCE_SECONDS)
    with pytest.raises(EngineUnavailable, match="cannot be started"):
        run(engine)
    engine.close()


SUPERVISOR = """
import sys, threading
from gpu_worker.adapters.engine_process import EngineProcess
from tests.unit.engine.jobs import make_job
engine = EngineProcess("shapes")
engine.start()
print(engine.pid, flush=True)
def say(progress):
    if progress.step == 2:
        print("working", flush=True)
if sys.argv[1] == "working":
    for _ in range(100):
        engine.run(make_job(num_inference_steps=150), say)
threading.Event().wait()
"""


@pytest.mark.parametrize("moment", ["loading", "working"])
def test_a_supervisor_that_is_killed_leaves_no_engine_behind(moment: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, moment], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        orphan = psutil.Process(int(supervisor.stdout.readline()))
        if moment == "working":
            assert supervisor.stdout.readline() == "working\n"
        supervisor.kill()
    orphan.wait(ORPHAN_SECONDS)


def test_a_job_that_does_not_fit_into_memory_fails_with_advice_and_the_engine_lives(
    engine: EngineProcess,
) -> None:
    process = psutil.Process(pid_of(engine))
    # Whatever the libraries set up once is there before memory gets short; the small size leaves no
    # freed memory behind that the big one could use again.
    run(engine, width=256, height=256, num_images=2, num_inference_steps=2)
    everything = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    room = process.memory_info().vms + ROOM_BYTES
    resource.prlimit(process.pid, resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
    try:
        with pytest.raises(GenerationError) as failure:
            run(engine, width=2048, height=2048, num_images=2, num_inference_steps=2)
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_AS, everything)
    assert failure.value.code is ErrorCode.OUT_OF_MEMORY
    assert "smaller" in failure.value.message
    assert len(run(engine, num_inference_steps=2).pictures) == 1
    assert pid_of(engine) == process.pid


def test_an_unknown_model_is_named_together_with_the_known_ones() -> None:
    engine = EngineProcess("shapez")
    with pytest.raises(GenerationError, match=r"no model called 'shapez'.*shapes, sdxl"):
        engine.wait_ready(PATIENCE_SECONDS)
    engine.close()


@pytest.fixture
def copied_checkpoint(tmp_path: Path) -> Path:
    assert isinstance(SHAPES.source, FolderSource)
    return Path(shutil.copytree(SHAPES.source.folder, tmp_path / "model"))


def test_a_damaged_checkpoint_is_refused_with_its_place(copied_checkpoint: Path) -> None:
    (copied_checkpoint / "unet" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"torn")
    engine = EngineProcess("shapes", model_dir=copied_checkpoint)
    with pytest.raises(GenerationError, match=f"cannot be loaded from {copied_checkpoint}: "):
        engine.wait_ready(PATIENCE_SECONDS)
    engine.close()


def test_a_fault_of_the_model_fails_one_job_and_no_prompt_gets_into_the_log(
    copied_checkpoint: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # DDIM does not know these two; the Euler scheduler refuses them together.
    index = copied_checkpoint / "model_index.json"
    index.write_text(index.read_text().replace("EulerDiscreteScheduler", "DDIMScheduler"))
    config = copied_checkpoint / "scheduler" / "scheduler_config.json"
    impossible = {"use_karras_sigmas": True, "use_exponential_sigmas": True}
    config.write_text(json.dumps({**json.loads(config.read_text()), **impossible}))
    engine = EngineProcess("shapes", model_dir=copied_checkpoint)
    with pytest.raises(GenerationError) as failure:
        run(engine, scheduler="K_EULER")
    assert failure.value.code is ErrorCode.INTERNAL
    assert failure.value.message == "The model failed on this request."
    # Beyond the tokens that the model reads: diffusers would quote the rest in a warning.
    long_prompt = "a red circle, " + "highly detailed, " * 60
    assert len(run(engine, prompt=long_prompt, num_inference_steps=2).pictures) == 1
    engine.close()
    log = capfd.readouterr().err
    assert "ValueError" in log
    assert "schedulers.py" in log
    assert "circle" not in log
    assert "detailed" not in log


def test_a_listener_that_fails_costs_nobody_the_engine(
    engine: EngineProcess, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: EngineProgress) -> None:
        raise RuntimeError("listener")

    assert len(engine.run(make_job(num_inference_steps=2), fail).pictures) == 1
    assert "its listener failed" in caplog.text


def test_no_thread_and_no_process_is_left_after_closing() -> None:
    engine = EngineProcess("shapes")
    engine.start()
    process = psutil.Process(pid_of(engine))
    name = f"engine {process.pid}"
    assert name in {thread.name for thread in threading.enumerate()}
    engine.close()
    assert name not in {thread.name for thread in threading.enumerate()}
    assert not process.is_running()
