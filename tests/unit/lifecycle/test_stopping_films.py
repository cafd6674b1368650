"""A film that is stopped while its encoder runs: nothing is left of it, and no worker hangs."""

import signal
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import psutil
import pytest

from gpu_worker.in_memory_engine import Script
from gpu_worker.lifecycle.handled import Done, Handled, Later
from tests.unit.lifecycle.stores import PATH, TIMEOUT_SECONDS
from tests.unit.lifecycle.world import PROMPT, WISH, Worker, World
from tests.unit.media.films import encoders


@pytest.fixture(autouse=True)
def nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: World
) -> Iterator[None]:
    """After each test: neither a process, nor a temporary file, nor an open one."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    open_files = psutil.Process().num_fds()
    yield
    assert encoders() == []
    assert list(folder.iterdir()) == []
    assert psutil.Process().num_fds() <= open_files


def in_the_middle(world: World) -> tuple[Worker, "Future[Handled]"]:
    """A worker whose encoder has the first frames of a film."""
    world.submit(input=WISH)
    worker = world.worker(lambda _: Script(hold_at_frame=9))
    handling = worker.start()
    worker.wait_held()
    assert len(encoders()) == 1
    return worker, handling


def cancelled(world: World, worker: Worker) -> None:
    world.documents.change(cancel_requested=True)


def drained(world: World, worker: Worker) -> None:
    worker.runner.drain()


def taken_over(world: World, worker: Worker) -> None:
    world.documents.change(lease={"token": 2, "worker_id": "b", "expires_at": None})


def deleted(world: World, worker: Worker) -> None:
    world.documents.inner.delete(str(PATH))


def lost(world: World, worker: Worker) -> None:
    worker.engine.lose("The GPU is gone.")


@pytest.mark.parametrize(
    ("stop", "handled"),
    [
        (cancelled, Done),
        (drained, Later),
        (taken_over, Later),
        (deleted, Later),
        (lost, Later),
    ],
)
def test_a_film_that_is_stopped_in_its_middle_leaves_nothing(
    world: World, stop: Callable[[World, Worker], None], handled: type
) -> None:
    worker, handling = in_the_middle(world)
    stop(world, worker)
    assert isinstance(handling.result(TIMEOUT_SECONDS), handled)
    assert world.objects.names == set()


@pytest.mark.parametrize("stop", [cancelled, drained, taken_over])
def test_an_encoder_that_hangs_does_not_keep_a_film_from_being_stopped(
    world: World, stop: Callable[[World, Worker], None]
) -> None:
    """The engine's thread waits for the encoder to take frames, and hears nothing else."""
    worker, handling = in_the_middle(world)
    encoders()[0].send_signal(signal.SIGSTOP)
    worker.release()
    stop(world, worker)
    handling.result(TIMEOUT_SECONDS)
    assert world.objects.names == set()


def test_an_encoder_that_dies_fails_the_film_and_not_the_worker(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    worker, handling = in_the_middle(world)
    encoders()[0].kill()
    worker.release()
    assert isinstance(handling.result(TIMEOUT_SECONDS), Later)
    error = world.documents.data()["error"]
    assert error["code"] == "internal"
    assert error["message"] == "The film's file could not be made: its encoder failed."
    assert "ffmpeg ended early" in caplog.text
    assert world.objects.names == set()
    # The next try of the same worker has an encoder of its own.
    world.backoff_over()
    again = worker.start()
    worker.wait_held(token=2)
    worker.release(token=2)
    assert again.result(TIMEOUT_SECONDS) == Done()
    assert world.documents.data()["output"]["video_info"]["frames"] == 17


def test_the_encoder_is_told_nothing_of_the_prompt(world: World) -> None:
    """Every user of a machine can read a process's arguments."""
    worker, handling = in_the_middle(world)
    (encoder,) = encoders()
    assert PROMPT not in " ".join(encoder.cmdline())
    assert PROMPT not in " ".join(encoder.environ().values())
    worker.release()
    assert handling.result(TIMEOUT_SECONDS) == Done()
