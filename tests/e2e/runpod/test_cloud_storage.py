"""With use_cloud_storage: a document, kept up to date live, files in the bucket, URLs in the
answer; and the same request twice is one generation."""

import io
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Any

import httpx
import pytest
from google.cloud import firestore
from PIL import Image

from tests.e2e.runpod.conftest import Endpoint

QUICK: dict[str, Any] = {
    "prompt": "a red circle on a blue background",
    "seed": 7,
    "num_inference_steps": 4,
    "refiner_inference_steps": 0,
}
#: The README's quick example, at as few frames and steps as there can be.
EAGLE: dict[str, Any] = {
    "task_type": "text2video",
    "prompt": "A majestic eagle soaring through mountains",
    "use_cloud_storage": True,
    "num_frames": 16,
    "num_inference_steps": 2,
}
TIMEOUT_SECONDS = 60.0


@pytest.fixture
def place() -> dict[str, Any]:
    """Somebody new, and a new id."""
    return {
        "user_id": f"firebase_user_{secrets.token_hex(4)}",
        "file_uid": f"unique-generation-{secrets.token_hex(4)}",
        "use_cloud_storage": True,
    }


def path_of(place: dict[str, Any]) -> str:
    return f"users/{place['user_id']}/generations/{place['file_uid']}"


def test_the_film_example_has_a_url_and_its_file_uid(
    endpoint: Endpoint, database: firestore.Client, place: dict[str, Any]
) -> None:
    output = endpoint.output(**{**EAGLE, **place})
    keys = {"video_url", "videos", "video_info", "seed", "file_uid"}
    assert output.keys() == keys
    assert output["file_uid"] == place["file_uid"]
    assert output["video_url"].startswith("http")
    assert httpx.get(output["video_url"]).headers["Content-Type"] == "video/mp4"
    document = database.document(path_of(place)).get().to_dict() or {}
    assert document["status"] == "completed"
    assert document["output"]["video_url"] == output["video_url"]


def test_the_document_is_kept_up_to_date_while_it_is_made(
    endpoint: Endpoint, database: firestore.Client, place: dict[str, Any]
) -> None:
    seen: Queue[dict[str, Any]] = Queue()
    listening, ended = threading.Event(), threading.Event()

    def hear(documents: list[Any], _changes: object, _read_time: object) -> None:
        for document in documents:
            seen.put(data := document.to_dict() or {})
            if data.get("status") == "completed":
                ended.set()
        listening.set()

    watch = database.document(path_of(place)).on_snapshot(hear)
    assert listening.wait(TIMEOUT_SECONDS)
    try:
        output = endpoint.output(**{**QUICK, "num_inference_steps": 40, **place})
        assert ended.wait(TIMEOUT_SECONDS)
    finally:
        watch.unsubscribe()
    states = [it for it in seen.queue if it]
    statuses = list(dict.fromkeys(it["status"] for it in states))
    # A listener may miss a state that lasts for milliseconds, never the order of what it sees.
    assert statuses[-2:] == ["processing", "completed"]
    assert any("progress" in it for it in states)
    final = states[-1]
    assert final["input"] == {**QUICK, "num_inference_steps": 40, **place}
    assert final["output"]["images"] == output["images"]
    assert {"created_at", "queued_at", "started_at", "completed_at"} <= final.keys()
    picture = Image.open(io.BytesIO(httpx.get(output["image_url"]).content))
    assert picture.size == (128, 128)


def test_the_same_request_twice_is_one_generation(
    endpoint: Endpoint, database: firestore.Client, place: dict[str, Any]
) -> None:
    given = {**QUICK, "num_inference_steps": 30, **place}
    with ThreadPoolExecutor(2) as pool:
        # At the same time, and once more when it is done.
        first, second = pool.map(lambda _: endpoint.output(**given), range(2))
    third = endpoint.output(**{**given, "num_inference_steps": 30.0})
    assert first == second == third
    document = database.document(path_of(place)).get().to_dict() or {}
    assert document["attempt"] == 1


def test_another_request_under_the_same_id_is_an_error(
    endpoint: Endpoint, place: dict[str, Any]
) -> None:
    endpoint.output(**QUICK, **place)
    assert endpoint.error(**{**QUICK, **place, "seed": 8}) == (
        f"invalid_input: file_uid is '{place['file_uid']}', which another request of this user has "
        "already; it must be a new id for a new request."
    )


def test_a_generation_that_the_phone_cancels_is_told_as_cancelled(
    endpoint: Endpoint, database: firestore.Client, place: dict[str, Any]
) -> None:
    document = database.document(path_of(place))
    processing = threading.Event()

    def hear(documents: list[Any], _changes: object, _read_time: object) -> None:
        if documents and (documents[0].to_dict() or {}).get("status") == "processing":
            processing.set()

    watch = document.on_snapshot(hear)
    try:
        with ThreadPoolExecutor(1) as pool:
            error = pool.submit(
                endpoint.error, **{**QUICK, **place, "num_inference_steps": 150, "num_images": 2}
            )
            assert processing.wait(TIMEOUT_SECONDS)
            document.update({"cancel_requested": True})
            assert error.result(TIMEOUT_SECONDS) == "cancelled: The generation was cancelled."
    finally:
        watch.unsubscribe()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"user_id": None}, "user_id is missing; with use_cloud_storage it must be the id of the"),
        ({"file_uid": None}, "file_uid is missing; with use_cloud_storage it must be the id of"),
        ({"user_id": "../other"}, "user_id is '../other'; it must be 1 to 128 letters, digits or"),
        ({"file_uid": "__all__"}, "file_uid is '__all__'; it must be 1 to 128 letters, digits or"),
        ({"user_id": "\ud800"}, "user_id is "),
        ({"width": 99999}, "width is 99999; it must be a whole number"),
        (
            {"image_url": "data:image/png;base64," + "A" * 1_000_000},
            "input takes 977 KiB; it must take at most 900 KiB. Give a large image by its address.",
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    endpoint: Endpoint,
    database: firestore.Client,
    place: dict[str, Any],
    wrong: dict[str, Any],
    sentence: str,
) -> None:
    assert endpoint.error(**{**QUICK, **place, **wrong}).startswith(f"invalid_input: {sentence}")
    assert not database.document(path_of(place)).get().exists
