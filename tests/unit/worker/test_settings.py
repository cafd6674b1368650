"""What an operator sets, and what he is told when it is wrong."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gpu_worker.__main__ import main
from gpu_worker.engine.precision import Precision
from gpu_worker.pull import make_engine
from gpu_worker.settings import Settings
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
    for name, value in {
        "EMBERFRAME_BUCKET": "our-pictures",
        "EMBERFRAME_IMAGE_MODEL": "shapes",
        "EMBERFRAME_MODEL_DIR": str(tmp_path),
        "EMBERFRAME_LORAS": "/models/loras.toml",
        "EMBERFRAME_IMAGE_SUBSCRIPTION": "images",
        "EMBERFRAME_VIDEO_SUBSCRIPTION": "videos",
        "EMBERFRAME_PRECISION": "fp16",
        "EMBERFRAME_DETERMINISTIC": "true",
        "EMBERFRAME_SLOTS": "3",
        "EMBERFRAME_MAX_IMAGES": "4",
        "EMBERFRAME_EMBED_METADATA": "false",
        "EMBERFRAME_ENGINE_START_TIMEOUT": "12.5",
        "EMBERFRAME_LEASE_SECONDS": "60",
        "EMBERFRAME_HEALTH_FILE": "/run/health.json",
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
        "image_model": "shapes",
        "model_dir": tmp_path,
        "loras": Path("/models/loras.toml"),
        "image_subscription": "images",
        "video_subscription": "videos",
        "precision": Precision.FP16,
        "deterministic": True,
        "slots": 3,
        "max_images": 4,
        "embed_metadata": False,
        "engine_start_timeout": 12.5,
        "lease_seconds": 60.0,
        "health_file": Path("/run/health.json"),
        "log_level": "DEBUG",
    }


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
        assert (info.models, info.precision, info.deterministic) == (("shapes",), "bf16", True)
    finally:
        engine.close()


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
        ("EMBERFRAME_EMBED_METADATA", "perhaps"),
        ("EMBERFRAME_LEASE_SECONDS", "nan"),
        ("EMBERFRAME_LEASE_SECONDS", "5"),
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
