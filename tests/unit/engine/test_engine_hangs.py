"""An engine process that hangs: noticed, killed and replaced, and its job fails like a crash."""

import os
import re
import signal
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from gpu_worker.adapters.engine_child import EngineChild
from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.adapters.engine_watchdog import EngineBounds
from gpu_worker.ports import EngineJob, EngineProgress, EngineUnavailable
from shared.errors import ErrorCode, GenerationError
from tests.unit.engine.jobs import PATIENCE_SECONDS, make_job, run
from tests.unit.engine.sabotage import DEADLOCK, HOLD_THE_GIL, sabotage

#: Short, so that no test waits for minutes; long beside a step of a few hundredths of a second.
BOUNDS = EngineBounds(silent_seconds=4, still_seconds=6, react_seconds=2, kill_seconds=1)


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


def test_an_engine_that_does_not_stop_at_the_time_limit_is_replaced(engine: EngineProcess) -> None:
    victim = engine.pid
    failure = hang(engine, DEADLOCK, replace(long_job(), time_limit_seconds=0.5))
    assert failure.code is ErrorCode.TIMED_OUT
    assert "did not stop within 2 s of its time limit" in str(failure.__cause__)
    assert len(run(engine, num_inference_steps=2).pictures) == 1
    assert engine.pid != victim


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
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGSTOP)
    child: EngineChild | None = engine._child
    assert child is not None
    with child._channel._writing:  # as while an image is being written
        for _ in range(3):
            engine.cancel("some job")
        engine.close()
