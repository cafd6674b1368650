"""Generations that begin with a picture, and what the deployment's settings change."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from gpu_worker.lifecycle.handled import Done
from shared.admission import Admission
from shared.blocked_terms import BlockedTerms
from shared.ports import Unavailable
from tests.unit.lifecycle.stores import PATH, TIMEOUT_SECONDS
from tests.unit.lifecycle.world import BUCKET, INPUT, World, held, step_of

OWN = f"gs://{BUCKET}/users/ada/inputs/photo.png"
IMAGE = {key: value for key, value in INPUT.items() if key not in ("width", "height")}


def png(width: int, height: int, colour: str = "white") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "png")
    return buffer.getvalue()


def data_url(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


def test_an_own_image_is_read_and_handed_to_the_engine(world: World) -> None:
    world.objects.create("users/ada/inputs/photo.png", png(96, 48), content_type="image/png")
    world.submit(input={**IMAGE, "image_url": OWN})
    assert world.worker().handle() == Done()
    data = world.documents.data()
    assert data["status"] == "completed"
    (file,) = data["output"]["files"]
    assert (file["width"], file["height"]) == (96, 48)


@pytest.mark.parametrize(
    ("parameters", "code", "words"),
    [
        ({"image_url": OWN}, "input_unavailable", "no file users/ada/inputs/photo.png"),
        ({"image_url": "https://example.com/a.png"}, "invalid_input", "it must be a data URL"),
        (
            {"image_url": f"gs://{BUCKET}/users/eve/a.png"},
            "invalid_input",
            "it must be a data URL",
        ),
        ({"image_url": data_url(b"GIF")}, "invalid_input", "image_url is no picture"),
        (
            {"image_url": data_url(png(64, 64)), "mask_url": data_url(b"no")},
            "invalid_input",
            "mask_url is no picture",
        ),
        (
            {"image_url": data_url(png(64, 64)), "mask_url": data_url(png(64, 64, "black"))},
            "invalid_input",
            "mask_url is a picture without any white",
        ),
    ],
)
def test_an_input_that_cannot_be_had_fails_with_its_reason_and_no_retry(
    world: World, parameters: dict[str, object], code: str, words: str
) -> None:
    world.submit(input={**IMAGE, **parameters})
    worker = world.worker()
    assert worker.handle() == Done()
    data = world.documents.data()
    assert (data["status"], data["error"]["code"]) == ("failed", code)
    assert words in data["error"]["message"]
    assert data["error"]["retryable"] is False
    assert worker.engine.ran == []


def test_storage_that_is_away_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> bytes:
        raise Unavailable("away")

    monkeypatch.setattr(world.objects, "read", away)
    world.submit(input={**IMAGE, "image_url": OWN})
    world.worker().handle()
    data = world.documents.data()
    assert (data["status"], data["error"]["code"]) == ("queued", "service_unavailable")


@pytest.mark.parametrize(
    ("output_format", "extension", "content_type"),
    [("png", "png", "image/png"), ("jpeg", "jpg", "image/jpeg"), ("webp", "webp", "image/webp")],
)
def test_the_file_has_the_format_asked_for(
    world: World, output_format: str, extension: str, content_type: str
) -> None:
    world.submit(input={**INPUT, "output_format": output_format})
    world.worker().handle()
    (file,) = world.documents.data()["output"]["files"]
    assert file["storage_path"] == f"{PATH}/1/0.{extension}"
    assert file["content_type"] == content_type


@pytest.mark.parametrize("embed", [True, False])
def test_the_operator_decides_whether_files_tell_how_they_were_made(
    world: World, embed: bool
) -> None:
    world.submit()
    world.worker(embed_metadata=embed).handle()
    (file,) = world.documents.data()["output"]["files"]
    image = Image.open(io.BytesIO(world.objects.read(file["storage_path"])))
    image.load()
    assert ("parameters" in image.info) is embed


def test_the_operator_decides_how_many_pictures_a_request_may_ask_for(world: World) -> None:
    world.submit(input={**INPUT, "num_images": 4})
    world.worker(admission=Admission(max_images=4)).handle()
    assert len(world.documents.data()["output"]["images"]) == 4


def test_a_worker_too_refuses_a_prompt_with_blocked_words(world: World) -> None:
    world.submit(input={**INPUT, "prompt": "a green hill"})
    admission = Admission(prompts=BlockedTerms.of(["green"]))
    assert world.worker(admission=admission).handle() == Done()
    document = world.documents.data()
    assert (document["status"], document["attempt"]) == ("failed", 1)
    assert document["error"]["code"] == "content_rejected"


def test_a_preview_is_in_the_progress_and_stays_until_there_is_a_newer_one(world: World) -> None:
    world.submit(input={**INPUT, "num_inference_steps": 6})
    worker = world.worker(held, heartbeat_seconds=0.02)
    handling = worker.start()
    worker.wait_held()
    world.clock.advance(1.5)
    world.documents.wait_for_writes(lambda write: step_of(write) == 1)
    (write,) = [write for write in world.documents.writes if step_of(write) == 1]
    preview = Image.open(io.BytesIO(write["progress"]["preview"]))
    assert preview.format == "WEBP"
    assert np.asarray(preview).shape == (16, 16, 3)
    worker.release()
    assert handling.result(TIMEOUT_SECONDS) == Done()
    assert "progress" not in world.documents.data()
