"""From the phone's create to the picture on the phone: every part real, one worker for all."""

import io
import itertools
import secrets
import threading
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from google.cloud import firestore
from PIL import Image

from shared.paths import WORKERS_COLLECTION
from tests.public_documents import check_seen
from tests.unit.media.films import told_by_ffmpeg
from tools.demo.phone import Phone
from tools.stack import Stack
from tools.stack.worker import Worker

PATIENCE_SECONDS = 90.0

pytestmark = pytest.mark.usefixtures("worker")


def generate(phone: Phone, **request: Any) -> list[dict[str, Any]]:
    """Every state of the document that the phone's listener saw, in order; each as apps are told
    that it may be."""
    generation_id = secrets.token_hex(8)
    phone.create(generation_id, request)
    states = [event["data"] for event in phone.documents(generation_id, PATIENCE_SECONDS)]
    for state in states:
        check_seen(state)
    return states


def test_a_document_becomes_the_picture_that_its_prompt_asks_for(phone: Phone) -> None:
    *_, final = generate(phone, prompt="a red circle on a blue background", seed=7)

    assert final["status"] == "completed"
    output = final["output"]
    picture = download(output["image_url"])
    pixels = np.asarray(picture).astype(int)
    red, green, blue = pixels[3, 3]
    assert blue > 150 > max(red, green), "the background is blue"
    reddish = (pixels[..., 0] > 150) & (pixels[..., 1:].max(axis=-1) < 150)
    assert 0.02 < reddish.mean() < 0.7, "something red is on it"


def test_the_output_has_the_seeds_fields_and_describes_every_file(phone: Phone) -> None:
    *_, final = generate(
        phone, prompt="a green square on a white background", num_images=2, seed=11, width=192
    )

    output = final["output"]
    assert output["images"] == [file["url"] for file in output["files"]]
    assert output["image_url"] == output["images"][0]
    assert output["seed"] == 11
    assert [file["seed"] for file in output["files"]] == [11, 12]
    for file in output["files"]:
        picture = download(file["url"])
        assert (picture.width, picture.height) == (file["width"], file["height"])
        assert file["content_type"] == "image/png"
        assert file["size_bytes"] == len(httpx.get(file["url"]).content)
        assert file["storage_path"].startswith(f"users/{phone.uid}/generations/")
        assert max(download(file["thumbnail_url"]).size) <= 256
        assert file["thumbhash"]
    assert final["attempt"] == 1
    assert {"encode", "denoise", "decode", "compress", "upload"} <= set(final["timings"])
    assert final["cost"]["gpu_seconds"] > 0
    assert final["started_at"] <= final["completed_at"]


def test_the_listener_sees_every_status_in_order_and_progress_that_never_goes_back(
    phone: Phone,
) -> None:
    states = generate(phone, prompt="a yellow star on a black background", num_inference_steps=100)

    statuses = [status for status, _ in itertools.groupby(state["status"] for state in states)]
    # A worker that is quick claims before the trigger has marked the document `queued`.
    assert statuses in (
        ["pending", "queued", "processing", "completed"],
        ["pending", "processing", "completed"],
        ["queued", "processing", "completed"],
    )
    fractions = [state["progress"]["fraction"] for state in states if "progress" in state]
    assert fractions, "progress was shown"
    assert fractions == sorted(fractions)


def test_a_document_becomes_a_film_that_plays(phone: Phone, tmp_path: Path) -> None:
    states = generate(
        phone,
        task_type="text2video",
        prompt="a red circle moving right on a blue background",
        num_frames=20,
        fps=10,
        num_inference_steps=4,
        seed=7,
    )

    assert states[-1]["status"] == "completed", states[-1]
    output = states[-1]["output"]
    info = output["video_info"]
    assert (info["frames"], info["width"], info["height"]) == (21, 832, 480)
    assert (info["fps"], info["duration_seconds"]) == (10, 2.1)
    assert (output["requested_frames"], output["seed"]) == (20, 7)
    (file,) = output["files"]
    answer = httpx.get(output["video_url"])
    assert answer.headers["content-type"] == "video/mp4"
    assert len(answer.content) == file["size_bytes"]
    told = told_by_ffmpeg(answer.content, tmp_path)
    assert told.stream.startswith("h264 (High)")
    assert len(told.times) == 21
    assert download(file["poster_url"]).size == (832, 480)
    assert max(download(file["thumbnail_url"]).size) == 256
    shown = [it["progress"] for it in states if "progress" in it]
    assert [it["fraction"] for it in shown] == sorted(it["fraction"] for it in shown)
    assert all(it["fraction"] <= 0.97 for it in shown)


def test_the_same_seed_gives_the_same_picture(phone: Phone) -> None:
    request = {"prompt": "a purple ring on a white background", "seed": 5}
    first, second = (generate(phone, **request)[-1]["output"] for _ in range(2))

    assert httpx.get(first["image_url"]).content == httpx.get(second["image_url"]).content


def test_a_bad_request_fails_with_a_sentence_that_names_field_value_and_limit(
    phone: Phone,
) -> None:
    *_, final = generate(phone, prompt="a red circle", num_inference_steps=1_000_000)

    assert final["status"] == "failed"
    assert final["error"] == {
        "code": "invalid_input",
        "message": "num_inference_steps is 1000000; it must be a whole number from 1 to 150.",
        "retryable": False,
    }


def test_a_picture_is_made_from_an_earlier_one_by_its_url(phone: Phone) -> None:
    first = generate(phone, prompt="a red circle on a blue background", seed=7)[-1]["output"]
    *_, final = generate(
        phone,
        image_url=first["image_url"],
        prompt="a red circle on a blue background",
        strength=0.1,
        output_format="webp",
    )

    assert final["status"] == "completed", final.get("error")
    (file,) = final["output"]["files"]
    assert file["content_type"] == "image/webp"
    before, after = (
        np.asarray(download(output["image_url"])).astype(int) for output in (first, final["output"])
    )
    assert np.abs(before - after).mean() < 30


def test_another_person_s_picture_is_not_read_even_by_its_whole_url(
    phone: Phone, stack: Stack, tmp_path: Path
) -> None:
    mine = generate(phone, prompt="a red circle", num_inference_steps=2)[-1]["output"]
    with Phone(stack, log_file=tmp_path / "other.log") as other:
        other.sign_in()
        *_, final = generate(other, image_url=mine["image_url"], prompt="a blue star")

    assert final["status"] == "failed"
    assert final["error"]["code"] == "invalid_input"
    assert "a file of your own" in final["error"]["message"]


def test_a_running_generation_stops_when_the_phone_cancels_it(phone: Phone) -> None:
    generation_id = secrets.token_hex(8)
    # As long as a request can be: it must not be over before a busy phone has seen it begin.
    most = {
        "num_inference_steps": 150,
        "refiner_inference_steps": 150,
        "strength": 1,
        "num_images": 2,
    }
    phone.create(generation_id, {"prompt": "a red circle", **most})
    for event in phone.documents(generation_id, PATIENCE_SECONDS):
        if event["data"]["status"] == "processing":
            break
    phone.cancel(generation_id)
    *_, last = phone.documents(generation_id, PATIENCE_SECONDS)

    assert last["data"]["status"] == "cancelled"
    assert "output" not in last["data"]
    assert generate(phone, prompt="a blue heart")[-1]["status"] == "completed"


def test_a_worker_logs_no_prompt_and_no_url(phone: Phone, worker: Worker) -> None:
    word = f"marker{secrets.token_hex(6)}"
    *_, final = generate(phone, prompt=f"a red circle {word}")

    assert final["status"] == "completed"
    log = worker.log.read_text()
    assert "generated" in log
    assert word not in log
    assert "token=" not in log


def download(url: str) -> Image.Image:
    content = httpx.get(url, timeout=30).raise_for_status().content
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture.convert("RGB")


def test_the_worker_says_in_the_database_how_it_is_and_what_it_did(
    phone: Phone, firestore_client: firestore.Client
) -> None:
    *_, final = generate(phone, prompt="a red circle", num_inference_steps=4)
    assert (final["status"], final["kind"]) == ("completed", "image")
    said: dict[str, Any] = {}
    heard = threading.Event()

    def look(documents: list[Any], *_: object) -> None:
        for document in documents:
            # Other modules' workers have left, and said so.
            if document.get("state") == "ready" and document.get("jobs_done").get("image"):
                said.update(document.to_dict())
                heard.set()

    watch = firestore_client.collection(WORKERS_COLLECTION).on_snapshot(look)
    try:
        assert heard.wait(PATIENCE_SECONDS)
    finally:
        watch.unsubscribe()
    assert said["kinds"] == ["image", "video"]
    assert said["models"] == ["shapes", "shapes-film"]
    assert 0 < said["seconds_per_job"]["image"] < PATIENCE_SECONDS
    assert (said["intake"], said["jobs"]) == ("pull", [])
    assert said["memory"]["supervisor_peak"] > 0
