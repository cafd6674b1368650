"""A job without cloud storage, from its input to its answer, in memory and by the one lifecycle."""

import base64
import gc
import io
import random
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from gpu_worker.in_memory_engine import Script
from gpu_worker.intake.runpod import inline
from gpu_worker.intake.runpod.inline import data_url
from gpu_worker.media.film_probe import probe_film
from gpu_worker.ports import EngineJob
from shared.errors import ErrorCode, GenerationError
from shared.in_memory import InMemoryDocuments
from shared.in_memory_objects import InMemoryObjects
from tests.unit.runpod.desk import FILM, PLACE, PROMPT, QUICK, TIMEOUT_SECONDS, MakeDesk, held


def test_pictures_are_answered_with_the_original_workers_keys(make_desk: MakeDesk) -> None:
    answer = make_desk().run({**QUICK, "num_images": 2})
    assert answer is not None
    assert answer.keys() == {"image_url", "images", "seed"}
    assert answer["image_url"] == answer["images"][0] != answer["images"][1]
    assert answer["seed"] == 7
    head, _, data = answer["image_url"].partition(",")
    assert head == "data:image/png;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (64, 64)


def test_films_are_answered_with_the_original_workers_keys(make_desk: MakeDesk) -> None:
    answer = make_desk().run(FILM)
    assert answer is not None
    assert answer.keys() == {"video_url", "videos", "video_info", "seed"}
    assert answer["videos"] == [answer["video_url"]]
    keys = {"frames", "width", "height", "fps", "duration_seconds"}
    assert answer["video_info"].keys() == keys
    head, _, data = answer["video_url"].partition(",")
    assert head == "data:video/mp4;base64"
    assert probe_film(base64.b64decode(data)).frames == answer["video_info"]["frames"] == 17


def test_the_output_format_shows_in_the_data_url(make_desk: MakeDesk) -> None:
    answer = make_desk().run({**QUICK, "output_format": "jpeg"})
    assert answer is not None
    assert answer["image_url"].startswith("data:image/jpeg;base64,/9j/")


def test_nothing_of_a_job_is_left_when_it_has_ended(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[weakref.ref[Any]] = []

    def noted(kind: Callable[..., Any]) -> Callable[..., Any]:
        def make(*arguments: Any, **options: Any) -> Any:
            store = kind(*arguments, **options)
            made.append(weakref.ref(store))
            return store

        return make

    monkeypatch.setattr(inline, "InMemoryDocuments", noted(InMemoryDocuments))
    monkeypatch.setattr(inline, "InMemoryObjects", noted(InMemoryObjects))
    desk = make_desk()
    assert desk.run(QUICK) is not None
    assert desk.office.idle
    # Threads drop what they did last only with their next work.
    assert desk.run({**QUICK, "width": 1}) is not None
    gc.collect()
    assert len(made) == 2
    assert [it() for it in made] == [None, None]
    assert desk.documents.read("users/runpod/generations/job-1") is None


def test_an_image_of_megabytes_is_taken(make_desk: MakeDesk) -> None:
    picture = io.BytesIO()
    noise = Image.effect_noise((1400, 1400), 120)
    Image.merge("RGB", [noise, noise.rotate(90), noise.rotate(180)]).save(picture, "PNG")
    url = data_url(picture.getvalue(), "image/png")
    assert len(url) > 2 * 1024 * 1024
    answer = make_desk().run({"prompt": PROMPT, "image_url": url, "num_inference_steps": 2})
    assert answer is not None
    head, _, data = answer["image_url"].partition(",")
    assert head == "data:image/png;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (1400, 1400)


def test_a_damaged_image_is_told_by_its_field(make_desk: MakeDesk) -> None:
    answer = make_desk().run({**QUICK, "image_url": "data:image/png;base64,!!"})
    assert answer == {
        "error": "invalid_input: image_url is a damaged data URL; what follows its comma must be "
        "base64."
    }


def test_without_a_bucket_nobody_has_files_of_their_own(make_desk: MakeDesk) -> None:
    desk = make_desk(settings={"image_hosts": ("photos.example.com",)})
    answer = desk.run({**QUICK, "image_url": "gs://bucket/users/runpod/a.png"})
    assert answer == {
        "error": "invalid_input: image_url is not an address of a form that is served here; it "
        "must be a data URL (data:image/png;base64,…), or an https address of photos.example.com, "
        "without a user and on port 443."
    }


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.0)


@pytest.mark.usefixtures("no_backoff")
def test_a_crash_is_tried_again_within_the_job(make_desk: MakeDesk) -> None:
    runs: list[EngineJob] = []

    def crash_once(job: EngineJob) -> Script:
        runs.append(job)
        return Script(fail_at=1) if len(runs) == 1 else Script()

    answer = make_desk(crash_once).run(QUICK)
    assert answer is not None
    assert answer["seed"] == 7
    assert len(runs) == 2


def test_what_fails_for_good_is_told_with_its_code(make_desk: MakeDesk) -> None:
    fault = GenerationError(ErrorCode.OUT_OF_MEMORY, "It does not fit.")
    answer = make_desk(lambda _: Script(fail_at=1, failure=fault)).run(QUICK)
    assert answer == {"error": "out_of_memory: It does not fit."}


def test_a_prompt_that_is_not_allowed_is_told_with_its_code(make_desk: MakeDesk) -> None:
    answer = make_desk(settings={"blocked_terms": "circle"}).run(QUICK)
    assert answer is not None
    assert answer["error"].startswith("content_rejected: ")


def test_a_stopped_job_stops_at_its_step(make_desk: MakeDesk) -> None:
    desk = make_desk(held)
    job, answer = desk.start(QUICK)
    desk.wait_held()
    desk.office.stop(job)
    assert answer.result(TIMEOUT_SECONDS) == {"error": "cancelled: The generation was cancelled."}
    assert desk.office.idle


def test_a_job_that_was_stopped_before_it_began_makes_nothing(make_desk: MakeDesk) -> None:
    desk = make_desk()
    job, _ = desk.start({**QUICK, "width": 1})
    desk.office.stop(job)
    assert desk.office.run(job) is None
    assert desk.engine.ran == []


def test_a_draining_worker_gives_its_jobs_back_and_takes_none(make_desk: MakeDesk) -> None:
    desk = make_desk(held)
    _, answer = desk.start(QUICK)
    desk.wait_held()
    idle = [desk.office.idle]
    desk.office.drain()
    assert answer.result(TIMEOUT_SECONDS) is None
    assert [*idle, desk.office.idle] == [False, True]
    assert desk.run(QUICK) is None


def test_an_engine_that_is_closed_after_the_drain_is_not_lost(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(held)
    monkeypatch.setattr(desk.engine, "cancel", lambda _: None)
    _, answer = desk.start(QUICK)
    desk.wait_held()
    desk.office.drain()
    assert not desk.office.idle
    # What a service does with an engine that does not come to the end of its step.
    desk.engine.close()
    assert answer.result(TIMEOUT_SECONDS) is None


def test_a_loss_that_is_heard_of_with_the_drain_is_told_too(make_desk: MakeDesk) -> None:
    desk = make_desk(held)
    desk.engine.watch(lambda _: desk.office.drain())
    _, answer = desk.start(QUICK)
    desk.wait_held()
    desk.engine.lose("its files are gone")
    told = answer.result(TIMEOUT_SECONDS)
    assert told is not None
    assert told["refresh_worker"] is True


def test_a_lost_engine_is_told_and_asks_for_a_fresh_worker(make_desk: MakeDesk) -> None:
    desk = make_desk(held)
    _, answer = desk.start(QUICK)
    desk.wait_held()
    desk.engine.lose("its files are gone")
    told = answer.result(TIMEOUT_SECONDS)
    assert told is not None
    assert told["refresh_worker"] is True
    assert told["error"].startswith("service_unavailable: This worker has lost its model")
    assert "files" not in told["error"]


@pytest.mark.usefixtures("no_backoff")
def test_only_a_lost_engine_asks_for_a_fresh_worker(make_desk: MakeDesk) -> None:
    answer = make_desk(lambda _: Script(fail_at=1)).run(QUICK)
    assert answer is not None
    assert answer.keys() == {"error"}
    assert answer["error"].startswith("attempts_exhausted: The generation was tried 3 times")


def test_a_result_that_runpod_would_not_take_names_the_way_out(make_desk: MakeDesk) -> None:
    answer = make_desk(max_bytes=1000).run({"prompt": "x", "width": 512, "height": 512})
    assert answer is not None
    assert answer.keys() == {"error"}
    assert answer["error"].startswith("invalid_input: The result takes 0.0 MB; without cloud stor")
    assert "Set use_cloud_storage to true (with user_id and file_uid)" in answer["error"]


def test_cloud_storage_that_is_not_there_is_said(make_desk: MakeDesk) -> None:
    answer = make_desk(has_cloud=False).run({**QUICK, **PLACE})
    assert answer == {
        "error": "invalid_input: use_cloud_storage is true; it must be false or left out, since "
        "this endpoint has no cloud storage (its operator has not set GOOGLE_CLOUD_PROJECT)."
    }


@pytest.mark.parametrize("job_id", [None, 7, "", "a/b", "\ud800", "x" * 500])
def test_a_jobs_id_of_any_form_will_do(make_desk: MakeDesk, job_id: Any) -> None:
    answer = make_desk().run(QUICK, job_id=job_id)
    assert answer is not None
    assert "images" in answer


@pytest.mark.parametrize("given", [None, [], "prompt", 7, {}, {"input": {}}])
def test_what_is_no_request_is_told_in_a_sentence(make_desk: MakeDesk, given: object) -> None:
    answer = make_desk().run(given)
    assert answer is not None
    assert answer["error"].startswith("invalid_input: ")


def test_a_fault_of_ours_is_told_without_its_text(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError(PROMPT)

    monkeypatch.setattr("gpu_worker.intake.runpod.office.inline_journey", fail)
    answer = make_desk().run(QUICK)
    assert answer == {"error": "internal: Something went wrong on our side."}
    assert PROMPT not in caplog.text
