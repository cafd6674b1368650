"""A film from its message to `completed`, with the real encoder and frames from a script."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageSequence

from gpu_worker.in_memory_engine import Script
from gpu_worker.lifecycle.handled import Done, Later
from gpu_worker.media.film_codec import FilmOptions
from gpu_worker.media.film_probe import probe_film
from shared.ports import Unavailable
from tests.unit.lifecycle.stores import PATH
from tests.unit.lifecycle.world import PROMPT, START, WISH, World
from tests.unit.media.films import told_by_ffmpeg

PREFIX = f"{PATH}/1/"
NAMES = {PREFIX + it for it in ("0.mp4", "0.poster.webp", "0.thumbnail.webp")}


def completed(world: World, **parameters: Any) -> dict[str, Any]:
    """The output of a film that was asked for with `parameters`."""
    world.submit(input={**WISH, **parameters})
    assert world.worker().handle() == Done()
    output: dict[str, Any] = world.documents.data()["output"]
    return output


def test_a_film_ends_completed_with_exactly_the_contract_s_fields(world: World) -> None:
    output = completed(world)
    data = dict(world.documents.data())
    timings = data.pop("timings")
    assert data == {
        "input": WISH,
        "output": output,
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
    assert set(timings) == {"encode", "denoise", "decode", "encode_film", "compress", "upload"}
    (file,) = output["files"]
    assert output == {
        "video_url": file["url"],
        "videos": [file["url"]],
        "video_info": {
            "frames": 17,
            "width": 832,
            "height": 480,
            "fps": 10,
            "duration_seconds": 1.7,
            "codec": "h264",
            "pixel_format": "yuv420p",
            "bit_rate": output["video_info"]["bit_rate"],
        },
        "seed": 7,
        "files": [file],
        "model": "in-memory-film",
        "native_size": {"width": 832, "height": 480},
        "native_frames": 17,
        "prompt_truncated": False,
    }


def test_film_poster_and_thumbnail_are_stored_as_they_are_described(
    world: World, tmp_path: Path
) -> None:
    (file,) = completed(world)["files"]
    assert world.objects.names == NAMES
    content = world.objects.read(PREFIX + "0.mp4")
    told = told_by_ffmpeg(content, tmp_path)
    assert (len(told.times), round(told.durations[0], 3)) == (17, 0.1)
    assert told.tags["title"] == PROMPT
    thumbhash = file.pop("thumbhash")
    assert thumbhash
    assert "0.mp4" in file.pop("url")
    assert "0.poster.webp" in file.pop("poster_url")
    assert "0.thumbnail.webp" in file.pop("thumbnail_url")
    assert file == {
        "storage_path": PREFIX + "0.mp4",
        "content_type": "video/mp4",
        "size_bytes": len(content),
        "width": 832,
        "height": 480,
        "duration_seconds": 1.7,
        "seed": 7,
    }
    poster = Image.open(io.BytesIO(world.objects.read(PREFIX + "0.poster.webp")))
    assert poster.size == (832, 480)


@pytest.mark.parametrize(("asked", "made"), [(16, 17), (18, 21), (20, 21), (21, 21)])
def test_frames_are_rounded_up_to_4k_and_1_and_the_output_says_so(
    world: World, asked: int, made: int
) -> None:
    output = completed(world, num_frames=asked)
    assert output["video_info"]["frames"] == made
    assert probe_film(world.objects.read(PREFIX + "0.mp4")).frames == made
    assert output.get("requested_frames") == (asked if asked != made else None)


@pytest.mark.parametrize("fps", [6, 15, 30])
def test_frames_a_second_are_those_asked_for_and_decide_how_long_it_lasts(
    world: World, fps: int
) -> None:
    info = completed(world, fps=fps)["video_info"]
    facts = probe_film(world.objects.read(PREFIX + "0.mp4"))
    assert info["fps"] == facts.fps == fps
    assert info["duration_seconds"] == round(17 / fps, 3)


def test_a_film_has_the_sides_asked_for(world: World) -> None:
    output = completed(world, video_width=480, video_height=832)
    assert (output["video_info"]["width"], output["video_info"]["height"]) == (480, 832)
    facts = probe_film(world.objects.read(PREFIX + "0.mp4"))
    assert (facts.width, facts.height) == (480, 832)


def test_settings_decide_on_an_animated_preview_and_on_what_the_file_says(
    world: World, tmp_path: Path
) -> None:
    world.submit(input=WISH)
    worker = world.worker(films=FilmOptions(preview=True), embed_metadata=False)
    assert worker.handle() == Done()
    (file,) = world.documents.data()["output"]["files"]
    assert world.objects.names == {*NAMES, PREFIX + "0.preview.webp"}
    assert "0.preview.webp" in file["preview_url"]
    animation = Image.open(io.BytesIO(world.objects.read(PREFIX + "0.preview.webp")))
    assert len(list(ImageSequence.Iterator(animation))) > 8
    assert told_by_ffmpeg(world.objects.read(PREFIX + "0.mp4"), tmp_path).tags == {}


def test_a_film_without_a_single_frame_fails_and_stores_nothing(world: World) -> None:
    """Only a broken engine makes one; the sentence is for the person, the log has the reason."""
    world.submit(input=WISH)
    worker = world.worker(lambda _: Script(loses_frames=True))
    assert isinstance(worker.handle(), Later)
    error = world.documents.data()["error"]
    assert error["message"] == "The film's file could not be made: its encoder failed."
    assert world.objects.names == set()


def test_a_film_whose_upload_fails_leaves_no_file(world: World) -> None:
    def no_posters(name: str) -> None:
        if "poster" in name:
            raise Unavailable("away")

    world.submit(input=WISH)
    world.objects.before_create = no_posters
    assert isinstance(world.worker().handle(), Later)
    assert world.documents.data()["error"]["code"] == "service_unavailable"
    assert world.objects.names == set()


def test_after_a_crash_in_the_middle_the_next_attempt_makes_all_of_the_film(world: World) -> None:
    world.submit(input=WISH)
    worker = world.worker(lambda it: Script(fail_at_frame=9 if it.job_id.endswith("/1") else None))
    assert isinstance(worker.handle(), Later)
    assert world.documents.data()["error"]["code"] == "engine_crashed"
    assert world.objects.names == set()
    world.backoff_over()
    assert worker.handle() == Done()
    assert world.documents.data()["output"]["video_info"]["frames"] == 17
    assert all(name.startswith(f"{PATH}/2/") for name in world.objects.names)
