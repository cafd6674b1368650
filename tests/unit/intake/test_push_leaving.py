"""How a push intake stops: nothing new, what runs is given back, and its answers are sent."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gpu_worker.health import Health
from gpu_worker.intake.http_server import listen
from gpu_worker.lifecycle.handled import Done
from shared.paths import GenerationPath
from tests.unit.intake.pushing import Answers, Raw, Slow, envelope, message, pushing
from tests.unit.lifecycle.stores import TIMEOUT_SECONDS
from tests.unit.lifecycle.world import World, held

OTHER = GenerationPath(uid="ada", generation_id="g2")


def test_a_running_job_is_given_back_and_its_message_with_it(world: World) -> None:
    world.submit()
    worker = world.worker(held)
    with pushing(worker.runner) as served, ThreadPoolExecutor(1) as pool:
        first = pool.submit(served.push)
        worker.wait_held()
        served.intake.stop()
        worker.runner.drain()
        response = first.result(TIMEOUT_SECONDS)
        served.join()
    assert response.status_code == 503
    assert response.headers["connection"] == "close"
    data = world.documents.data()
    assert (data["status"], data["attempt"]) == ("queued", 0)
    with pushing(world.worker(name="another").runner) as elsewhere:
        assert elsewhere.push().status_code == 204
    assert world.documents.data()["attempt"] == 1


def test_a_job_that_ends_meanwhile_is_acknowledged(world: World) -> None:
    world.submit()
    worker = world.worker(held)
    with pushing(worker.runner) as served, ThreadPoolExecutor(1) as pool:
        first = pool.submit(served.push)
        worker.wait_held()
        served.intake.stop()
        for _ in range(3):  # longer than a server that closes waits for its answers
            served.ticked.clear()
            assert served.ticked.wait(TIMEOUT_SECONDS)
        worker.release()
        response = first.result(TIMEOUT_SECONDS)
        served.join()
    assert (response.status_code, response.headers["connection"]) == (204, "close")


def test_new_requests_are_refused_while_jobs_are_in_hand(world: World) -> None:
    world.submit()
    world.submit(OTHER)
    worker = world.worker(held)
    with pushing(worker.runner) as served, ThreadPoolExecutor(1) as pool:
        first = pool.submit(served.push)
        worker.wait_held()
        served.intake.stop()
        refused = served.push(envelope(message(OTHER)))
        assert (refused.status_code, refused.headers["connection"]) == (503, "close")
        assert served.ready() == 503
        alive = served.client.get("/alive")
        assert (alive.status_code, alive.json()["state"]) == (200, "draining")
        worker.release()
        assert first.result(TIMEOUT_SECONDS).status_code == 204
    assert world.documents.data(OTHER)["status"] == "queued"


def test_a_body_on_its_way_is_not_waited_for() -> None:
    runner = Answers(Done())
    with pushing(runner) as served, Raw(served.port) as raw:
        raw.push(b"", length=1000)
        assert served.push().status_code == 204, "the first request is being read by now"
        served.intake.stop()
        answer = raw.answer()
        served.join()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert len(runner.handled) == 1


def test_a_sender_that_cannot_be_told_yet_is_not_waited_for() -> None:
    slow = Slow()
    with pushing(Answers(Done()), sender=slow) as served, Raw(served.port) as raw:
        raw.push(envelope(message()))
        assert slow.asked.wait(TIMEOUT_SECONDS)
        served.intake.stop()
        assert raw.answer().startswith(b"HTTP/1.1 503 ")
        served.join()
        slow.answer.set()


def test_a_connection_that_nobody_uses_keeps_nobody() -> None:
    with pushing(Answers(Done())) as served, Raw(served.port) as raw:
        assert raw.ask("/alive") == 200
        served.intake.stop()
        served.join()
        assert raw.answer() == b""


def test_who_does_not_read_their_answer_keeps_nobody(world: World) -> None:
    world.submit()
    worker = world.worker(held)
    with pushing(worker.runner) as served, Raw(served.port) as raw:
        raw.push(envelope(message()))
        worker.wait_held()
        served.intake.stop()
        worker.runner.drain()
        served.join()


def test_a_stopped_intake_that_never_ran_ends_at_once() -> None:
    with pushing(Answers(Done())) as served:
        served.health.write(Health.STARTING)
        served.intake.stop()
        served.join()
    assert served.raised == []


def test_a_server_that_ends_by_itself_ends_the_intake(world: World) -> None:
    """With the jobs in hand settled, so that the worker can leave with an error."""
    world.submit()
    worker = world.worker(held)
    with pushing(worker.runner) as served, Raw(served.port) as raw:
        raw.push(envelope(message()))
        worker.wait_held()
        ended = threading.Thread(target=served.intake._server.close)
        ended.start()
        worker.release()
        ended.join(TIMEOUT_SECONDS)
        served.join()
    assert [str(it) for it in served.raised] == ["the HTTP server ended by itself"]
    assert world.documents.data()["status"] == "completed"


def test_the_server_says_that_it_moves() -> None:
    with pushing(Answers(Done())) as served:
        for _ in range(2):
            served.ticked.clear()
            assert served.ticked.wait(TIMEOUT_SECONDS)


def test_a_port_that_is_taken_is_no_port() -> None:
    with pushing(Answers(Done())) as served, pytest.raises(OSError, match="in use"):
        listen(served.port)
