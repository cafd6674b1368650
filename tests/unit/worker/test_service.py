"""The order in which the worker's parts start and stop, whatever hangs."""

import threading
from pathlib import Path

import pytest

from gpu_worker.adapters.engine_child import BURIAL_SECONDS
from gpu_worker.adapters.engine_process import CLOSE_GRACE_SECONDS
from gpu_worker.departure import LEAVE_SECONDS
from gpu_worker.health import Health
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.ports import EngineInfo
from gpu_worker.service import RELEASE_SECONDS, STEP_SECONDS
from shared.errors import ErrorCode, GenerationError
from tests.unit.worker.service_parts import TIMEOUT_SECONDS, Intake, Parts, Runner


def test_it_is_ready_once_the_engine_is_and_drains_on_a_signal(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    parts.start()
    assert parts.intake.running.wait(TIMEOUT_SECONDS)
    assert parts.state == "ready"
    parts.stopping.set()
    assert parts.join() == 0
    assert parts.state == "draining"
    assert parts.runner.drained.is_set()
    assert parts.left == []


class Reloading(InMemoryEngine):
    """Its process dies and is replaced."""

    loaded = True

    @property
    def ready(self) -> bool:
        return self.loaded


def test_it_is_not_ready_while_the_engine_loads_again(tmp_path: Path) -> None:
    engine = Reloading()
    parts = Parts(tmp_path, engine=engine)
    parts.start()
    parts.wait_for("ready")
    engine.loaded = False
    parts.wait_for("starting")
    engine.loaded = True
    parts.wait_for("ready")
    parts.stopping.set()
    assert parts.join() == 0


def test_a_part_that_is_stuck_ends_the_worker(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    parts = Parts(tmp_path)
    parts.pulse.beat("the stream of pictures")
    parts.start()
    assert parts.join() == 1
    assert parts.runner.drained.is_set()
    assert "stuck, so this worker ends: the stream of pictures" in caplog.text


def test_a_loop_that_is_stuck_says_nothing_any_more(tmp_path: Path) -> None:
    """Whoever holds the runner's lock for good."""
    parts = Parts(tmp_path)
    entered, free = threading.Event(), threading.Event()

    class Stuck(Runner):
        @property
        def idle(self) -> bool:
            entered.set()
            assert free.wait(TIMEOUT_SECONDS)
            return True

    parts.service._runner = Stuck()
    parts.start()
    assert entered.wait(TIMEOUT_SECONDS)
    said = parts.health_file._said_at
    assert not parts.stopping.wait(0.2)
    assert parts.health_file._said_at == said
    free.set()
    parts.stopping.set()
    assert parts.join() == 0


class Closing(InMemoryEngine):
    """Tells when it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


class Loading(Closing):
    """Never gets ready; `close` ends the waiting, as the port says."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = threading.Event()

    def wait_ready(self, timeout_seconds: float) -> EngineInfo:
        self.waiting.set()
        assert self.closed.wait(TIMEOUT_SECONDS)
        raise GenerationError(ErrorCode.INTERNAL, "The engine is closed.")


def test_a_signal_counts_while_the_model_is_being_loaded(tmp_path: Path) -> None:
    engine = Loading()
    parts = Parts(tmp_path, engine=engine)
    parts.start()
    assert engine.waiting.wait(TIMEOUT_SECONDS)
    parts.stopping.set()
    assert parts.join() == 0
    assert not parts.intake.running.is_set()


def test_an_engine_that_cannot_load_ends_the_worker(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    error = GenerationError(ErrorCode.INTERNAL, "There is no model 'x'; known are: shapes.")
    parts = Parts(tmp_path, engine=InMemoryEngine(load_error=error))
    parts.start()
    assert parts.join() == 1
    assert "There is no model 'x'" in caplog.text


def test_a_failed_pull_ends_the_worker(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Forbidden(Intake):
        def run(self) -> None:
            raise PermissionError("no")

    parts = Parts(tmp_path, intake=Forbidden())
    parts.start()
    assert parts.join() == 1
    assert "the intake failed" in caplog.text


def test_a_job_that_only_the_engine_s_end_frees_is_given_back(tmp_path: Path) -> None:
    engine = Closing()
    parts = Parts(
        tmp_path, engine=engine, intake=Intake(lambda: engine.closed.wait(TIMEOUT_SECONDS))
    )
    parts.start()
    assert parts.intake.running.wait(TIMEOUT_SECONDS)
    parts.stopping.set()
    assert parts.join() == 0
    assert parts.left == []


def test_a_job_that_nothing_frees_is_left_behind_in_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    free = threading.Event()
    parts = Parts(tmp_path, intake=Intake(lambda: free.wait(TIMEOUT_SECONDS)))
    parts.runner.given_back = False
    parts.start()
    assert parts.intake.running.wait(TIMEOUT_SECONDS)
    parts.stopping.set()
    parts.join()
    assert parts.left == [1]
    assert "its lease will lapse" in caplog.text
    free.set()


def test_a_pubsub_that_does_not_answer_is_no_failure_once_every_job_is_given_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    free = threading.Event()
    parts = Parts(tmp_path, intake=Intake(lambda: free.wait(TIMEOUT_SECONDS)))
    parts.start()
    assert parts.intake.running.wait(TIMEOUT_SECONDS)
    parts.stopping.set()
    parts.join()
    free.set()
    assert parts.left == [0]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_stream_that_breaks_while_it_is_closed_is_no_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise ConnectionError("reset")

    parts = Parts(tmp_path, intake=Intake(broken))
    parts.start()
    assert parts.intake.running.wait(TIMEOUT_SECONDS)
    parts.stopping.set()
    assert parts.join() == 0
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_lost_engine_drains_the_worker_as_a_signal_does_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    parts = Parts(tmp_path)
    parts.start()
    assert parts.intake.running.wait(TIMEOUT_SECONDS)
    parts.engine.lose("the GPU is gone")
    assert parts.join() == 1
    assert parts.intake.stopped.is_set()
    assert parts.runner.drained.is_set()
    assert parts.state == "draining"
    assert parts.left == []
    critical = [it for it in caplog.records if it.levelname == "CRITICAL"]
    assert ["the GPU is gone" in it.getMessage() for it in critical] == [True]


def test_an_engine_lost_while_the_worker_leaves_is_no_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = InMemoryEngine()
    parts = Parts(tmp_path, engine=engine, intake=Intake(lambda: engine.lose("the GPU is gone")))
    parts.start()
    assert parts.intake.running.wait(TIMEOUT_SECONDS)
    parts.stopping.set()
    assert parts.join() == 0
    assert caplog.records == []


@pytest.mark.parametrize("part", ["intake", "runner", "engine"])
def test_a_part_that_cannot_be_stopped_keeps_no_other_from_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    parts = Parts(tmp_path)
    name = {"intake": "stop", "runner": "drain", "engine": "close"}[part]
    stop = getattr(getattr(parts, part), name)

    def stop_and_fail() -> None:
        stop()
        raise OSError("no threads left")

    setattr(getattr(parts, part), name, stop_and_fail)
    parts.start()
    assert parts.intake.running.wait(TIMEOUT_SECONDS)
    parts.stopping.set()
    assert parts.join() == 1
    assert parts.intake.stopped.is_set()
    assert parts.runner.drained.is_set()
    assert parts.state == "draining"
    with pytest.raises(GenerationError, match="closed"):
        parts.engine.start()
    assert "a part could not be stopped" in caplog.text


def test_the_bounds_leave_time_for_the_engine_to_end() -> None:
    engine_end_seconds = CLOSE_GRACE_SECONDS + BURIAL_SECONDS
    assert STEP_SECONDS + engine_end_seconds + RELEASE_SECONDS < LEAVE_SECONDS < 8


def test_every_state_of_health_has_its_word() -> None:
    assert [state.value for state in Health] == ["starting", "ready", "draining"]
