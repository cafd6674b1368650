"""LoRAs that a document names: found in the worker's registry, or refused once and for all."""

import io
from pathlib import Path

from PIL import Image

from gpu_worker.in_memory_engine import Script
from gpu_worker.lifecycle.handled import Done
from gpu_worker.loras import Loras, OfferedLora
from gpu_worker.ports import EngineJob, LoraFile
from tests.unit.lifecycle.world import INPUT, World

PASTEL = OfferedLora(
    name="pastel", file=Path("/models/secret/pastel.safetensors"), sha256="0" * 64, max_weight=1
)
OFFERED = Loras([PASTEL, OfferedLora(name="ink", file=Path("/models/i"), sha256="1" * 64)])


def test_the_engine_gets_the_files_and_the_output_the_names(world: World) -> None:
    asked = [{"name": "ink", "weight": -0.5}, {"name": "pastel"}]
    world.submit(input={**INPUT, "loras": asked})
    jobs: list[EngineJob] = []

    def script(job: EngineJob) -> Script:
        jobs.append(job)
        return Script()

    assert world.worker(script, loras=OFFERED).handle() == Done()
    (job,) = jobs
    assert job.loras == (
        LoraFile(name="ink", weight=-0.5, file=Path("/models/i"), sha256="1" * 64),
        LoraFile(name="pastel", weight=1, file=PASTEL.file, sha256="0" * 64),
    )
    data = world.documents.data()
    assert data["output"]["loras"] == [
        {"name": "ink", "weight": -0.5},
        {"name": "pastel", "weight": 1.0},
    ]
    assert "secret" not in repr(data)
    content = world.objects.read(data["output"]["files"][0]["storage_path"])
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        assert "<lora:ink:-0.5> <lora:pastel:1>" in picture.info["parameters"]
        assert "secret" not in repr(picture.info)


def test_a_name_that_is_not_offered_fails_with_those_that_are_and_is_not_retried(
    world: World,
) -> None:
    world.submit(input={**INPUT, "loras": [{"name": "ink"}, {"name": "oil"}]})
    worker = world.worker(loras=OFFERED)
    assert worker.handle() == Done()
    data = world.documents.data()
    assert data["status"] == "failed"
    assert data["error"] == {
        "code": "invalid_input",
        "message": 'loras[1].name is "oil"; it must be one of ink, pastel.',
        "retryable": False,
    }
    assert worker.engine.ran == []


def test_more_of_one_than_the_operator_allows_fails_too(world: World) -> None:
    world.submit(input={**INPUT, "loras": [{"name": "pastel", "weight": 1.5}]})
    assert world.worker(loras=OFFERED).handle() == Done()
    error = world.documents.data()["error"]
    assert error["message"] == (
        "loras[0].weight is 1.5; of pastel it must be a number from -1 to 1."
    )


def test_a_worker_without_a_registry_offers_none(world: World) -> None:
    world.submit(input={**INPUT, "loras": [{"name": "ink"}]})
    assert world.worker().handle() == Done()
    error = world.documents.data()["error"]
    assert error["message"] == 'loras[0].name is "ink"; this worker offers no LoRAs.'
