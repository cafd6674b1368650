"""A generation from its message to `completed`."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from gpu_worker.lifecycle.handled import Done, Later
from gpu_worker.lifecycle.picture_output import describe_output
from gpu_worker.loras import FewStepUse, Loras, OfferedLora
from gpu_worker.ports import EngineResult, Sampler
from gpu_worker.tally import Tally
from shared.kinds import Kind
from shared.paths import GenerationPath
from shared.ports import Changes
from shared.request import SpeedTier, Text2ImgRequest
from tests.unit.lifecycle.stores import PATH, TIMEOUT_SECONDS, DeadWatcher, faulty_write
from tests.unit.lifecycle.world import INPUT, START, World, held, job_id


def test_a_queued_generation_ends_completed_with_exactly_the_contract_s_fields(
    world: World,
) -> None:
    world.submit()
    assert world.worker().handle() == Done()
    data = dict(world.documents.data())
    output, timings = data.pop("output"), data.pop("timings")
    assert data == {
        "input": INPUT,
        "status": "completed",
        "created_at": START,
        "queued_at": START,
        "started_at": START,
        "completed_at": START,
        "updated_at": START,
        "attempt": 1,
        "lease": {"token": 1, "worker_id": None, "expires_at": None},
        "cost": {"gpu_seconds": 0.0},
    }
    assert set(timings) == {"encode", "denoise", "decode", "compress", "upload"}
    assert set(output) == {
        *("image_url", "images", "seed", "files"),
        *("model", "native_size", "refiner", "prompt_truncated", "speed_tier"),
    }
    (file,) = output["files"]
    assert output["image_url"] == file["url"]
    assert output["images"] == [file["url"]]
    assert output["seed"] == file["seed"] == 7
    assert output["model"] == "in-memory"
    assert output["native_size"] == {"width": 128, "height": 128}
    assert output["prompt_truncated"] is False
    assert output["speed_tier"] == "quality"


def test_a_generation_counts_as_done_once_its_document_says_so(world: World) -> None:
    tally = Tally()
    counted: list[tuple[object, object]] = []
    world.documents.before = lambda changes: counted.append(
        (changes.get("status"), tally.done().jobs)
    )
    world.submit()
    assert world.worker(tally=tally).handle() == Done()
    assert counted[-1] == ("completed", {})
    assert tally.done().jobs == {Kind.IMAGE: 1}


def test_one_that_cannot_be_written_is_not_counted(world: World) -> None:
    tally = Tally()
    world.documents.before = faulty_write("completed", lambda: RuntimeError("a bug"), 99)
    world.submit()
    assert isinstance(world.worker(tally=tally).handle(), Later)
    assert world.documents.data()["status"] == "processing"
    assert tally.done().jobs == {}


def test_one_that_is_cancelled_before_its_end_is_written_is_not_counted(world: World) -> None:
    tally = Tally()

    def cancel(changes: Changes) -> None:
        if changes.get("status") == "completed":
            world.documents.change(cancel_requested=True)

    world.documents.before = cancel
    world.submit()
    assert world.worker(tally=tally, watcher=DeadWatcher()).handle() == Done()
    assert world.documents.data()["status"] == "cancelled"
    assert tally.done().jobs == {}


def test_a_prompt_that_was_not_read_to_its_end_is_said_in_the_output() -> None:
    result = EngineResult(
        pictures=(), model="m", native_size=(128, 128), prompt_truncated=True, timings={}
    )
    output = describe_output(result, Text2ImgRequest(prompt="x"), [{"url": "u", "seed": 7}])
    assert output["prompt_truncated"] is True


def test_the_tier_asked_for_is_said_in_the_output() -> None:
    result = EngineResult(pictures=(), model="m", native_size=(128, 128), timings={})
    request = Text2ImgRequest(prompt="x", speed_tier=SpeedTier.FAST)
    assert describe_output(result, request, [{"url": "u", "seed": 7}])["speed_tier"] == "fast"


def test_few_steps_are_those_of_the_operator_s_lora_and_said_in_the_output(world: World) -> None:
    use = FewStepUse(steps=4, sampler=Sampler.LCM)
    quick = OfferedLora(
        name="quick", file=Path("/models/secret/quick"), sha256="0" * 64, few_steps=use
    )
    world.submit(input={**INPUT, "speed_tier": "fast"})
    world.worker(loras=Loras([quick])).handle()
    data = world.documents.data()
    assert data["output"]["few_steps"] == {
        "lora": "quick",
        "weight": 1.0,
        "num_inference_steps": 4,
        "guidance_scale": 1.0,
        "sampler": "lcm",
    }
    assert data["output"]["speed_tier"] == "fast"
    assert "secret" not in repr(data)


def test_each_picture_has_one_file_and_one_thumbnail_that_match_their_description(
    world: World,
) -> None:
    world.submit(input={**INPUT, "num_images": 2})
    world.worker().handle()
    output = world.documents.data()["output"]
    prefix = f"{PATH}/1/"
    assert world.objects.names == {
        prefix + name for name in ("0.png", "0.thumbnail.webp", "1.png", "1.thumbnail.webp")
    }
    assert [file["seed"] for file in output["files"]] == [7, 8]
    for index, file in enumerate(output["files"]):
        content = world.objects.read(file["storage_path"])
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.size == (file["width"], file["height"]) == (64, 64)
        assert file["storage_path"] == f"{prefix}{index}.png"
        assert file["size_bytes"] == len(content)
        assert file["content_type"] == "image/png"
        assert f"{index}.thumbnail.webp" in file["thumbnail_url"]
        assert file["thumbhash"]


def test_a_seed_that_was_not_given_is_drawn_and_reported(world: World) -> None:
    without = {key: value for key, value in INPUT.items() if key != "seed"}
    paths = [GenerationPath(uid="ada", generation_id=f"g{n}") for n in range(2)]
    worker = world.worker()
    for path in paths:
        world.submit(path, input=without)
        worker.handle(path)
    first, second = (world.documents.data(path)["output"]["seed"] for path in paths)
    assert first != second


def test_a_generation_that_is_not_accepted_yet_is_left_alone(world: World) -> None:
    world.submit(status="pending")
    worker = world.worker()
    assert worker.handle() == Done()
    assert worker.engine.ran == []
    assert world.documents.writes == []


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_a_finished_generation_is_done_without_a_write(world: World, status: str) -> None:
    world.submit(status=status)
    worker = world.worker()
    assert worker.handle() == Done()
    assert world.documents.writes == []
    assert worker.engine.ran == []


def test_a_document_that_is_gone_is_done(world: World) -> None:
    assert world.worker().handle() == Done()


def test_a_document_with_an_unknown_status_is_left_alone(world: World) -> None:
    world.submit(status="dreaming")
    assert world.worker().handle() == Done()
    assert world.documents.writes == []


def test_a_generation_held_elsewhere_is_looked_at_when_its_lease_would_lapse(world: World) -> None:
    world.submit()
    first, second = world.worker(held), world.worker(name="worker-b")
    handling = first.start()
    first.wait_held()
    world.clock.advance(10)
    assert second.handle() == Later(seconds=20)
    assert second.engine.ran == []
    first.release()
    assert handling.result(TIMEOUT_SECONDS) == Done()


def held_for(world: World, seconds: float) -> None:
    """By a worker that says nothing any more, for so long from now."""
    expires_at = world.clock.now() + timedelta(seconds=seconds)
    lease = {"token": 1, "worker_id": "dead", "expires_at": expires_at}
    world.submit(status="processing", attempt=1, lease=lease)


def test_a_lease_that_lapses_in_a_moment_is_waited_for(world: World) -> None:
    """The message would come back a whole second later."""
    held_for(world, 0.01)
    looks = iter([0.0, 0.02])
    world.documents.before_read = lambda: world.clock.advance(next(looks, 0.0))
    assert world.worker().handle() == Done()
    assert (world.documents.data()["status"], world.documents.data()["attempt"]) == ("completed", 2)


def test_it_is_waited_for_once(world: World) -> None:
    held_for(world, 0.01)
    assert world.worker().handle() == Later(seconds=0.01)


def test_a_duplicate_in_the_same_process_runs_once_and_is_not_acknowledged_early(
    world: World,
) -> None:
    worker, handling = world.hold_one()
    assert worker.handle() == Later(seconds=30)
    worker.release()
    assert handling.result(TIMEOUT_SECONDS) == Done()
    assert worker.handle() == Done()
    assert worker.engine.ran == [job_id()]


def test_the_same_message_to_many_workers_at_once_is_generated_once(world: World) -> None:
    world.submit()
    workers = [world.worker(name=f"worker-{n}") for n in range(6)]
    handled = [future.result(TIMEOUT_SECONDS) for future in [w.start() for w in workers]]
    assert sum(len(worker.engine.ran) for worker in workers) == 1
    assert Done() in handled
    data = world.documents.data()
    assert (data["status"], data["attempt"], data["lease"]["token"]) == ("completed", 1, 1)


def test_a_job_waiting_for_the_engine_keeps_its_lease(world: World) -> None:
    other = GenerationPath(uid="ada", generation_id="g2")
    world.submit()
    world.submit(other)
    worker = world.worker(held, heartbeat_seconds=0.02)
    running = worker.start()
    worker.wait_held()
    waiting = worker.start(other)
    world.documents.wait_for_writes(lambda w: w.get("status") == "processing", 2)
    world.clock.advance(20)
    renewed = START + timedelta(seconds=50)
    world.documents.wait_for_writes(lambda w: w["lease"]["expires_at"] == renewed, 2)
    assert world.documents.data(other)["lease"]["expires_at"] == renewed
    worker.release()
    worker.wait_held(path=other)
    worker.release(path=other)
    assert [running.result(TIMEOUT_SECONDS), waiting.result(TIMEOUT_SECONDS)] == [Done(), Done()]
