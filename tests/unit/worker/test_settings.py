"""What an operator sets, and what he is told when it is wrong."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gpu_worker.__main__ import main
from gpu_worker.deployment import make_engine
from gpu_worker.engine.precision import Precision
from gpu_worker.engine.speed_options import Attention
from gpu_worker.media.film_codec import FilmCodec, FilmOptions
from gpu_worker.settings import Settings
from gpu_worker.tasks import Tasks
from shared.parse import parse_request
from tests.unit.engine.jobs import PATIENCE_SECONDS
from tests.unit.worker.forms import WRONG_FORMS


def test_the_project_alone_is_enough(environment: pytest.MonkeyPatch) -> None:
    settings = Settings()
    assert settings.project == "demo-emberframe"
    assert settings.bucket_name == "demo-emberframe.firebasestorage.app"
    assert settings.image_subscription == "generate-image-worker"
    assert settings.storage_emulator is None
    assert settings.health_file is None


def test_every_setting_is_read_from_the_environment(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "model_index.json").write_text("{}")
    (tmp_path / "config.json").write_text("{}")
    for name, value in {
        "EMBERFRAME_BUCKET": "our-pictures",
        "EMBERFRAME_TASKS": "video",
        "EMBERFRAME_IMAGE_MODEL": "shapes",
        "EMBERFRAME_MODEL_DIR": str(tmp_path),
        "EMBERFRAME_FILM_MODEL": "wan",
        "EMBERFRAME_FILM_MODEL_DIR": str(tmp_path),
        "DOWNLOAD_WAN2_MODEL": "true",
        "EMBERFRAME_IMAGE_CHECK": "nsfw",
        "EMBERFRAME_IMAGE_CHECK_DIR": str(tmp_path),
        "EMBERFRAME_IMAGE_CHECK_THRESHOLD": "0.75",
        "EMBERFRAME_BAKED_DIR": "/volume/baked",
        "EMBERFRAME_COMPILE": "on",
        "EMBERFRAME_COMPILE_CACHE_DIR": "/volume/compiled",
        "EMBERFRAME_LORAS": "/models/loras.toml",
        "EMBERFRAME_IMAGE_SUBSCRIPTION": "images",
        "EMBERFRAME_VIDEO_SUBSCRIPTION": "videos",
        "EMBERFRAME_PRECISION": "fp16",
        "EMBERFRAME_DETERMINISTIC": "true",
        "EMBERFRAME_SLOTS": "3",
        "EMBERFRAME_MAX_IMAGES": "4",
        "EMBERFRAME_BLOCKED_TERMS": "green, red*",
        "EMBERFRAME_IMAGE_HOSTS": "photos.example.com, .CDN.example.com",
        "EMBERFRAME_EMBED_METADATA": "false",
        "EMBERFRAME_FILM_CODEC": "h265",
        "EMBERFRAME_FILM_CRF": "30",
        "EMBERFRAME_FILM_PRESET": "veryfast",
        "EMBERFRAME_FILM_PREVIEW": "true",
        "EMBERFRAME_ENGINE_START_TIMEOUT": "12.5",
        "EMBERFRAME_ENGINE_STALL_TIMEOUT": "120",
        "EMBERFRAME_ENGINE_STOP_TIMEOUT": "45",
        "EMBERFRAME_IMAGE_TIME_LIMIT": "90",
        "EMBERFRAME_FILM_TIME_LIMIT": "1800",
        "EMBERFRAME_BATCH_ROWS": "4",
        "EMBERFRAME_TEXT_CACHE": "16",
        "EMBERFRAME_PREPARE": "on",
        "EMBERFRAME_ATTENTION": "flash",
        "EMBERFRAME_ATTENTION_CACHE_DIR": "/models/kernels",
        "EMBERFRAME_LEASE_SECONDS": "60",
        "EMBERFRAME_HEALTH_FILE": "/run/health.json",
        "EMBERFRAME_HEALTH_PORT": "8081",
        "EMBERFRAME_LOG_LEVEL": "DEBUG",
        "FIRESTORE_EMULATOR_HOST": "127.0.0.1:8080",
        "PUBSUB_EMULATOR_HOST": "pubsub:8085",
        "STORAGE_EMULATOR_HOST": "http://127.0.0.1:9199",
    }.items():
        environment.setenv(name, value)
    assert Settings().model_dump() == {
        "project": "demo-emberframe",
        "bucket": "our-pictures",
        "firestore_emulator": "127.0.0.1:8080",
        "pubsub_emulator": "pubsub:8085",
        "storage_emulator": "http://127.0.0.1:9199",
        "tasks": Tasks.VIDEO,
        "image_model": "shapes",
        "model_dir": tmp_path,
        "film_model": "wan",
        "film_model_dir": tmp_path,
        "download_wan2_model": True,
        "image_check": "nsfw",
        "image_check_dir": tmp_path,
        "image_check_threshold": 0.75,
        "baked_dir": Path("/volume/baked"),
        "compile": "on",
        "compile_cache_dir": Path("/volume/compiled"),
        "loras": Path("/models/loras.toml"),
        "image_subscription": "images",
        "video_subscription": "videos",
        "precision": Precision.FP16,
        "deterministic": True,
        "batch_rows": 4,
        "text_cache": 16,
        "prepare": "on",
        "attention": Attention.FLASH,
        "attention_cache_dir": Path("/models/kernels"),
        "slots": 3,
        "max_images": 4,
        "blocked_terms": "green, red*",
        "image_hosts": ("photos.example.com", ".cdn.example.com"),
        "embed_metadata": False,
        "film_codec": FilmCodec.H265,
        "film_crf": 30,
        "film_preset": "veryfast",
        "film_preview": True,
        "engine_start_timeout": 12.5,
        "engine_stall_timeout": 120.0,
        "engine_stop_timeout": 45.0,
        "image_time_limit": 90.0,
        "film_time_limit": 1800.0,
        "lease_seconds": 60.0,
        "health_file": Path("/run/health.json"),
        "health_port": 8081,
        "log_level": "DEBUG",
    }


def test_time_limits_and_bounds_of_a_deployment_are_those_of_the_settings(
    environment: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "EMBERFRAME_ENGINE_START_TIMEOUT": "20",
        "EMBERFRAME_ENGINE_STALL_TIMEOUT": "120",
        "EMBERFRAME_ENGINE_STOP_TIMEOUT": "45",
        "EMBERFRAME_IMAGE_TIME_LIMIT": "90",
        "EMBERFRAME_FILM_TIME_LIMIT": "1800",
    }.items():
        environment.setenv(name, value)
    settings = Settings()
    bounds = settings.engine_bounds
    assert (bounds.start_seconds, bounds.still_seconds, bounds.stop_seconds) == (20, 120, 45)
    film = {"task_type": "text2video", "prompt": "waves"}
    for wish, seconds in (({"prompt": "a circle"}, 90), (film, 1800)):
        assert settings.time_limits.of(parse_request(wish)) == seconds


@pytest.mark.parametrize(
    ("slots", "asked", "rows"),
    [("2", "auto", 1), ("2", "4", 1), ("3", "auto", None), ("3", "4", 4), ("3", "off", 1)],
)
def test_batches_are_for_workers_that_hold_more_than_one_job_in_line(
    environment: pytest.MonkeyPatch, slots: str, asked: str, rows: int | None
) -> None:
    environment.setenv("EMBERFRAME_SLOTS", slots)
    environment.setenv("EMBERFRAME_BATCH_ROWS", asked)
    assert Settings().engine_batch_rows == rows


def test_the_engine_of_a_deployment_is_made_by_the_settings(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("EMBERFRAME_IMAGE_MODEL", "shapes")
    environment.setenv("EMBERFRAME_PRECISION", "bf16")
    environment.setenv("EMBERFRAME_DETERMINISTIC", "true")
    engine = make_engine(Settings())
    try:
        engine.start()
        info = engine.wait_ready(PATIENCE_SECONDS)
        assert (info.models, info.precision, info.deterministic) == (
            ("shapes", "shapes-film"),
            "bf16",
            True,
        )
    finally:
        engine.close()


def test_films_have_the_codec_s_own_quality_unless_it_is_set(
    environment: pytest.MonkeyPatch,
) -> None:
    assert Settings().films == FilmOptions(codec=FilmCodec.H264, crf=None, preview=False)
    assert Settings().films.quality == 18
    environment.setenv("EMBERFRAME_FILM_CRF", "25")
    assert Settings().films.quality == 25


@pytest.mark.parametrize(
    ("codec", "preset"), [("h264", "8"), ("h265", "placebo"), ("av1", "medium"), ("av1", "14")]
)
def test_a_preset_that_the_codec_does_not_have_is_refused(
    environment: pytest.MonkeyPatch, codec: str, preset: str
) -> None:
    environment.setenv("EMBERFRAME_FILM_CODEC", codec)
    environment.setenv("EMBERFRAME_FILM_PRESET", preset)
    with pytest.raises(ValidationError, match=f"PRESET is '{preset}': for {codec} it must be one"):
        Settings()


def test_films_have_the_codec_s_own_preset_unless_it_is_set(
    environment: pytest.MonkeyPatch,
) -> None:
    assert Settings().films.pace == "medium"
    environment.setenv("EMBERFRAME_FILM_PRESET", "veryfast")
    assert Settings().films.pace == "veryfast"


def test_an_empty_variable_means_not_set(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EMBERFRAME_BUCKET", "")
    environment.setenv("EMBERFRAME_MODEL_DIR", "")
    settings = Settings()
    assert settings.bucket_name == "demo-emberframe.firebasestorage.app"
    assert settings.model_dir is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMBERFRAME_PRECISION", "fp8"),
        ("EMBERFRAME_DETERMINISTIC", "maybe"),
        ("EMBERFRAME_SLOTS", "0"),
        ("EMBERFRAME_SLOTS", "many"),
        ("EMBERFRAME_MAX_IMAGES", "0"),
        ("EMBERFRAME_MAX_IMAGES", "17"),
        ("EMBERFRAME_BLOCKED_TERMS", "green, !!"),
        ("EMBERFRAME_IMAGE_CHECK", "nsfv"),
        ("EMBERFRAME_IMAGE_CHECK_THRESHOLD", "0"),
        ("EMBERFRAME_EMBED_METADATA", "perhaps"),
        ("EMBERFRAME_FILM_CODEC", "mpeg2"),
        ("EMBERFRAME_FILM_CRF", "0"),
        ("EMBERFRAME_FILM_CRF", "52"),
        ("EMBERFRAME_FILM_PREVIEW", "sometimes"),
        ("EMBERFRAME_LEASE_SECONDS", "nan"),
        ("EMBERFRAME_LEASE_SECONDS", "5"),
        ("EMBERFRAME_ENGINE_STALL_TIMEOUT", "9"),
        ("EMBERFRAME_ENGINE_STOP_TIMEOUT", "4"),
        ("EMBERFRAME_IMAGE_TIME_LIMIT", "0"),
        ("EMBERFRAME_FILM_TIME_LIMIT", "inf"),
        ("EMBERFRAME_HEALTH_PORT", "0"),
        ("EMBERFRAME_HEALTH_PORT", "65536"),
        ("EMBERFRAME_ENGINE_START_TIMEOUT", "inf"),
        ("EMBERFRAME_LOG_LEVEL", "loud"),
        *WRONG_FORMS,
    ],
)
def test_a_value_that_cannot_work_is_refused_by_name_and_value(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    environment.setenv(name, value)
    with pytest.raises(ValidationError):
        Settings()
    environment.setattr("sys.argv", ["gpu_worker", "pull"])
    assert main() == 2
    said = capsys.readouterr().err
    assert said.startswith(f"{name} is {value!r}: ")
    assert said.count("\n") == 1


def test_a_missing_project_is_named_and_nothing_else_is_shown(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("GOOGLE_CLOUD_PROJECT")
    environment.setenv("EMBERFRAME_BUCKET", "my-bucket")
    environment.setattr("sys.argv", ["gpu_worker", "pull"])
    assert main() == 2
    assert capsys.readouterr().err == "GOOGLE_CLOUD_PROJECT is not set: Field required\n"
