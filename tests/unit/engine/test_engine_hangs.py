"""An engine process that hangs: noticed, killed and replaced, and its job fails like a crash."""

import os
import re
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from gpu_worker.adapters.engine_child import EngineChild
from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.adapters.engine_watchdog import EngineBounds
from gpu_worker.ports import EngineJob, EngineProgress, EngineUnavailable, JobCancelled
from shared.errors import ErrorCode, GenerationError
from shared.request import MAX_IMAGES
from tests.unit.engine.jobs import PATIENCE_SECONDS, make_job, run
from tests.unit.engine.sabotage import DEADLOCK, HOLD_THE_GIL, sabotage

#: Short, so that no test waits for minutes; long beside a step of a few hundredths of a second.
BOUNDS = EngineBounds(silent_seconds=4, still_seconds=6, stop_seconds=2, kill_seconds=1)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """The embedded model in a process that hangs on a signal."""
    with pytest.MonkeyPatch.context() as patch:
        sabotage(tmp_path_factory.mktemp("site"), patch)
        engine = EngineProcess("shapes", bounds=BOUNDS)
        engine.start()
        engine.wait_ready(PATIENCE_SECONDS)
        yield engine
        engine.close()


def hang(engine: EngineProcess, how: signal.Signals, job: EngineJob) -> GenerationError:
    """Run `job` on an engine that gets the signal at step 2; how the job ends."""

    def hang_at_two(progress: EngineProgress) -> None:
        if progress.step == 2:
            assert engine.pid is not None
            os.kill(engine.pid, how)

    with pytest.raises(GenerationError) as failure:
        engine.run(job, hang_at_two)
    return failure.value


def long_job() -> EngineJob:
    return make_job(num_inference_steps=150)


def very_long_job() -> EngineJob:
    """Some fifteen seconds of work, all of it in sight."""
    return make_job(num_inference_steps=150, num_images=MAX_IMAGES, width=1024, height=1024)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        (HOLD_THE_GIL, "gave no sign of life for 4 s"),
        # In the middle of a message it keeps the other thread from speaking, too.
        (DEADLOCK, "did not move for 6 s|gave no sign of life for 4 s"),
    ],
    ids=["GIL held", "deadlock"],
)
def test_an_engine_that_hangs_at_work_is_replaced_and_the_next_job_works(
    engine: EngineProcess, how: signal.Signals, why: str
) -> None:
    victim = engine.pid
    failure = hang(engine, how, long_job())
    assert failure.code is ErrorCode.ENGINE_CRASHED
    assert failure.retryable
    assert str(failure.__cause__).startswith(f"engine process {victim} was ended by SIGKILL: it")
    assert re.search(why, str(failure.__cause__))
    assert len(run(engine, num_inference_steps=2).pictures) == 1
    assert engine.pid != victim


def test_an_engine_that_hangs_at_its_time_limit_has_crashed_and_is_replaced(
    engine: EngineProcess,
) -> None:
    """Its job did not take too long: another try may well succeed."""
    victim = engine.pid
    failure = hang(engine, DEADLOCK, replace(long_job(), time_limit_seconds=0.5))
    assert failure.code is ErrorCode.ENGINE_CRASHED
    # 2 s, or three strides of this very job.
    assert re.search(r"did not stop within [0-9.]+ s of being told to", str(failure.__cause__))
    assert len(run(engine, num_inference_steps=2).pictures) == 1
    assert engine.pid != victim


def test_an_engine_that_works_on_past_its_time_limit_is_replaced_and_its_job_timed_out(
    engine: EngineProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.wait_ready(PATIENCE_SECONDS)
    child = engine._child
    assert child is not None
    monkeypatch.setattr(child, "send_apart", lambda _: None)  # it is never told
    with pytest.raises(GenerationError) as failure:
        engine.run(replace(very_long_job(), time_limit_seconds=0.5), lambda _: None)
    assert failure.value.code is ErrorCode.TIMED_OUT
    # 2 s, or three strides of this very job.
    assert re.search(
        r"did not stop within [0-9.]+ s of being told to", str(failure.value.__cause__)
    )
    assert engine.pid != child.pid


def test_a_cancelled_job_does_not_wait_for_an_engine_that_hangs(
    engine: EngineProcess, caplog: pytest.LogCaptureFixture
) -> None:
    engine.wait_ready(PATIENCE_SECONDS)
    victim, job = engine.pid, long_job()

    def hang_and_cancel(progress: EngineProgress) -> None:
        if progress.step == 2:
            assert victim is not None
            os.kill(victim, DEADLOCK)
            engine.cancel(job.job_id)
            engine.cancel(job.job_id)

    with pytest.raises(JobCancelled):
        engine.run(job, hang_and_cancel)
    assert len(run(engine, num_inference_steps=2).pictures) == 1
    assert engine.pid != victim
    # 2 s, or three strides of this very job where a busy machine made one long.
    killed = rf"engine {victim} is killed: its job did not stop within [0-9.]+ s"
    assert re.search(killed, caplog.text)


def test_an_engine_that_hangs_while_it_loads_is_given_up() -> None:
    engine = EngineProcess("shapes", bounds=EngineBounds(start_seconds=0.1))
    with pytest.raises(GenerationError) as failure:
        engine.wait_ready(PATIENCE_SECONDS)
    assert failure.value.code is ErrorCode.ENGINE_CRASHED
    assert "did not get ready within 0.1 s" in str(failure.value.__cause__)
    engine.close()


def test_an_engine_that_cannot_be_killed_is_a_loss(
    engine: EngineProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process inside a driver that hangs ends with the machine; its GPU is held till then."""
    assert engine.pid is not None
    immortal = psutil.Process(engine.pid)
    told: list[EngineUnavailable] = []
    engine.watch(told.append)
    assert engine._child is not None
    monkeypatch.setattr(engine._child._process, "kill", lambda: None)
    failure = hang(engine, HOLD_THE_GIL, long_job())
    assert failure.code is ErrorCode.ENGINE_CRASHED
    assert len(told) == 1
    assert f"engine process {immortal.pid} cannot be killed" in str(told[0])
    with pytest.raises(EngineUnavailable):
        run(engine)
    assert not engine.ready
    immortal.kill()
    immortal.wait(PATIENCE_SECONDS)


def test_a_hanging_engine_holds_up_nobody_who_cancels(engine: EngineProcess) -> None:
    """It may have stopped reading, and what is written to it then waits."""
    engine.start()
    engine.wait_ready(PATIENCE_SECONDS)
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGSTOP)
    child: EngineChild | None = engine._child
    assert child is not None
    with child._channel._writing:  # as while an image is being written
        for _ in range(3):
            engine.cancel("some job")
    os.kill(engine.pid, signal.SIGCONT)


def test_a_hanging_engine_holds_up_nobody_who_leaves(
    engine: EngineProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not while it does not read, and not until it is gone once it was killed, which a GPU driver
    may make a matter of seconds; a worker that leaves has no more of them."""
    given_back = threading.Event()
    closing: list[threading.Thread] = []
    engine.start()
    engine.wait_ready(PATIENCE_SECONDS)
    child = engine._child
    assert child is not None
    gone = child._process.wait

    def die_slowly(timeout: float | None = None) -> int:
        assert given_back.wait(PATIENCE_SECONDS)
        return gone(timeout)

    monkeypatch.setattr(child._process, "wait", die_slowly)

    def hang_and_close(progress: EngineProgress) -> None:
        if progress.step == 2:
            os.kill(child.pid, HOLD_THE_GIL)
            child._channel._writing.acquire()
            closing.append(threading.Thread(target=engine.close))
            closing[0].start()

    with pytest.raises(JobCancelled):
        engine.run(long_job(), hang_and_close)
    engine.close()
    given_back.set()
    child._channel._writing.release()
    closing[0].join(PATIENCE_SECONDS)
    assert not closing[0].is_alive()
    assert child._process.poll() is not None
