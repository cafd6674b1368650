"""`python -m gpu_worker once` as a person types it."""

import json
import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from gpu_worker.engine.specs import SHAPES, FolderSource
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.media.film_probe import probe_film
from gpu_worker.once import run_once
from gpu_worker.ports import EngineInfo
from tests.unit.engine.jobs import PATIENCE_SECONDS, PROMPT
from tests.unit.engine.judge import look_at
from tests.unit.engine.lora_files import WORDS, lora_of


def once(folder: Path, body: Any, *options: str) -> subprocess.CompletedProcess[str]:
    request = folder / "wish.json"
    request.write_text(body if isinstance(body, str) else json.dumps(body), encoding="utf-8")
    return subprocess.run(
        [
            *(sys.executable, "-m", "gpu_worker", "once", str(request)),
            *("--out", str(folder / "out"), *options),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


#: What `two_pictures` are of.
WISH = {"prompt": PROMPT, "seed": 7, "num_images": 2, "width": 256, "refiner_inference_steps": 0}


@pytest.fixture(scope="module")
def two_pictures(tmp_path_factory: pytest.TempPathFactory) -> "subprocess.CompletedProcess[str]":
    """One run on WISH for all tests that look at what it left; none may change its files."""
    return once(tmp_path_factory.mktemp("two"), {"input": WISH})


def test_one_request_gives_pictures_and_the_seeds_result_shape(
    two_pictures: "subprocess.CompletedProcess[str]",
) -> None:
    done = two_pictures
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["image_url"] == result["images"][0]
    assert [Path(it).name for it in result["images"]] == ["wish-7.png", "wish-8.png"]
    assert (result["seed"], result["model"], result["native_size"]) == (7, "shapes", [192, 128])
    assert set(result["timings"]) == {"encode", "denoise", "decode"}
    for path in result["images"]:
        picture = Image.open(path)
        assert picture.size == (256, 128)
        seen = look_at(np.asarray(picture))
        assert (seen.colour, seen.background) == ("red", "blue")
    assert "denoise 25/25" in done.stderr
    assert "circle" not in done.stderr
    assert "Warning" not in done.stderr


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"input": {"prompt": PROMPT, "width": 99999}}, "width is 99999; it must be"),
        ({"input": {}}, "prompt is missing"),
        ({"prompt": PROMPT}, "must hold an object of the form"),
        ("{", "is not JSON"),
    ],
)
def test_an_invalid_request_is_answered_with_one_sentence(
    tmp_path: Path, body: Any, sentence: str
) -> None:
    done = once(tmp_path, body)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_images_are_read_from_the_request_s_folder_and_inpainting_keeps_them(
    tmp_path: Path,
) -> None:
    blue = np.full((64, 96, 3), (42, 88, 218), np.uint8)
    white = np.zeros((64, 96), np.uint8)
    white[16:48, 24:72] = 255
    Image.fromarray(blue).save(tmp_path / "photo.png")
    (tmp_path / "masks").mkdir()
    Image.fromarray(white).save(tmp_path / "masks" / "middle.png")
    wish = {"prompt": PROMPT, "image_url": "photo.png", "mask_url": "masks/middle.png"}
    done = once(tmp_path, {"input": {**wish, "seed": 7, "strength": 0.9}})
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["native_size"], result["refiner"]) == ([192, 128], False)
    picture = np.asarray(Image.open(result["image_url"]))
    assert np.array_equal(picture[white == 0], blue[white == 0])
    assert not np.array_equal(picture[white > 0], blue[white > 0])


def test_a_refiner_and_a_file_format_are_asked_for_at_the_command_line_too(
    tmp_path: Path, twin_folder: Path
) -> None:
    wish = {"prompt": PROMPT, "seed": 7, "high_noise_frac": 0.8, "num_inference_steps": 10}
    body = {"input": {**wish, "refiner_inference_steps": 10, "output_format": "webp"}}
    done = once(tmp_path, body, "--model-dir", str(twin_folder))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["refiner"] is True
    assert [Path(it).name for it in result["images"]] == ["wish-7.webp"]
    with Image.open(result["image_url"]) as picture:
        assert picture.format == "WEBP"
    assert "refine 10/10" in done.stderr


def registry_of(folder: Path, target: Path, *, sha: str | None = None) -> Path:
    lora = lora_of(folder, WORDS)
    registry = target / "loras.toml"
    registry.write_text(f"[mine]\nfile = '{lora.file}'\nsha256 = '{sha or lora.sha256}'\n")
    return registry


def test_loras_of_a_registry_are_asked_for_by_name_and_told_in_the_result(
    two_pictures: "subprocess.CompletedProcess[str]",
    tmp_path: Path,
    lora_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry = registry_of(lora_folder, tmp_path)
    plain = json.loads(two_pictures.stdout)
    assert "loras" not in plain
    before = np.asarray(Image.open(plain["image_url"]))
    body: Any = {"input": {**WISH, "loras": [{"name": "mine", "weight": 0.8}]}}
    done = once(tmp_path, body, "--loras", str(registry))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["loras"] == [{"name": "mine", "weight": 0.8}]
    with Image.open(result["image_url"]) as picture:
        assert picture.info["parameters"].startswith(f"{PROMPT} <lora:mine:0.8>")
        assert not np.array_equal(np.asarray(picture), before)
    monkeypatch.setenv("EMBERFRAME_LORAS", str(registry))
    body["input"]["loras"] = [{"name": "yours"}]
    refused = once(tmp_path, body, "--model-dir", str(embedded()))
    assert refused.returncode == 2
    assert refused.stderr == 'loras[0].name is "yours"; it must be one of mine.\n'


def test_a_registry_that_cannot_be_used_is_answered_with_one_sentence(
    tmp_path: Path, lora_folder: Path
) -> None:
    registry = registry_of(lora_folder, tmp_path, sha="0" * 64)
    done = once(tmp_path, {"input": {"prompt": PROMPT}}, "--loras", str(registry))
    assert done.returncode == 2
    assert done.stderr.startswith(f"{registry}: [mine] sha256 is 000")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def embedded() -> Path:
    """The embedded model's folder: given as another, it has no LoRAs of its own."""
    assert isinstance(SHAPES.source, FolderSource)
    return SHAPES.source.folder


@pytest.mark.parametrize("path", ["nowhere.png", "", "a\0b"])
def test_an_image_that_is_not_there_is_named(tmp_path: Path, path: str) -> None:
    done = once(tmp_path, {"input": {"prompt": PROMPT, "image_url": path}})
    assert done.returncode == 2
    assert done.stderr.startswith("image_url is ")
    assert "cannot be read" in done.stderr


def test_a_request_that_fails_is_answered_with_a_sentence_and_no_file(tmp_path: Path) -> None:
    wish = {"input": {"prompt": PROMPT, "task_type": "text2video"}}
    done = once(tmp_path, wish, "--film-model", "none")
    assert done.returncode == 1
    assert "task_type is text2video; this worker serves text2img, img2img, inpaint only." in (
        done.stderr
    )
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_a_film_is_written_with_its_poster_and_the_seeds_video_shape(tmp_path: Path) -> None:
    wish = {"task_type": "text2video", "prompt": PROMPT, "seed": 7, "num_inference_steps": 2}
    options = ("--film-codec", "h265", "--film-crf", "30", "--film-preview")
    done = once(tmp_path, {"input": {**wish, "num_frames": 16, "fps": 8}}, *options)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["videos"] == [result["video_url"]]
    film = Path(result["video_url"])
    assert film.name == "wish-7.mp4"
    facts = probe_film(film.read_bytes())
    assert result["video_info"] == facts.to_document()
    assert (facts.frames, facts.width, facts.height, facts.fps) == (17, 832, 480, 8)
    assert facts.codec == "h265"
    assert (result["seed"], result["requested_frames"]) == (7, 16)
    assert set(result["timings"]) == {"encode", "denoise", "decode", "encode_film"}
    for key, name in (("poster_url", "poster"), ("preview_url", "preview")):
        assert Path(result[key]).name == f"wish-7.{name}.webp"
        with Image.open(result[key]) as picture:
            assert picture.format == "WEBP"
    assert {it.name for it in film.parent.iterdir()} == {
        "wish-7.mp4",
        "wish-7.poster.webp",
        "wish-7.preview.webp",
    }
    assert "circle" not in done.stderr


def test_a_film_s_quality_out_of_range_is_refused(tmp_path: Path) -> None:
    done = once(tmp_path, {"input": {"prompt": PROMPT}}, "--film-crf", "52")
    assert done.returncode == 2
    assert "--film-crf: it is 52; it must be from 1 to 51" in done.stderr


def test_options_reach_the_engine_and_a_truncated_prompt_is_told(tmp_path: Path) -> None:
    wish = {"prompt": PROMPT + ", detailed" * 80, "num_inference_steps": 2}
    done = once(tmp_path, {"input": wish}, "--precision", "bf16", "--deterministic")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["prompt_truncated"] is True
    assert "bf16, deterministic" in done.stderr


def test_a_request_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gpu_worker", "once", "nowhere.json", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "nowhere.json cannot be read: No such file or directory.\n"


def test_ctrl_c_ends_it_quickly_with_nothing_left_behind(tmp_path: Path) -> None:
    request = tmp_path / "wish.json"
    wish = {"prompt": PROMPT, "num_inference_steps": 150, "refiner_inference_steps": 0}
    request.write_text(json.dumps({"input": wish}))
    command = [sys.executable, "-m", "gpu_worker", "once", str(request), "--out", str(tmp_path)]
    # A process group of its own, as a terminal gives: Ctrl-C reaches the engine as well.
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0
    ) as running:
        assert running.stderr is not None
        while running.stderr.readline() != "denoise 1/150\n":
            assert running.poll() is None
        (engine,) = psutil.Process(running.pid).children()
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=PATIENCE_SECONDS)
    assert running.returncode == 130
    assert said.endswith("Interrupted.\n")
    assert "Traceback" not in said
    assert not engine.is_running()


class LostAtOnce(InMemoryEngine):
    """Ready, and then without its model before the first job."""

    def wait_ready(self, timeout_seconds: float) -> EngineInfo:
        info = super().wait_ready(timeout_seconds)
        self.lose("The GPU is gone.")
        return info


def test_an_engine_that_is_lost_is_answered_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpu_worker.once.EngineProcess", lambda *_, **__: LostAtOnce())
    request, said = tmp_path / "wish.json", StringIO()
    request.write_text(json.dumps({"input": {"prompt": PROMPT}}))
    assert run_once(request, tmp_path / "out", model="shapes", stderr=said) == 1
    assert said.getvalue().splitlines()[-1] == "The GPU is gone."
    assert not (tmp_path / "out").exists()
