"""What the command takes for RunPod's library, and what an operator can set."""

import argparse
import os
import subprocess
import sys

import pytest
from pydantic import ValidationError
from runpod import RunPodLogger, serverless

from gpu_worker.__main__ import main
from gpu_worker.intake.runpod import sdk
from gpu_worker.model_cache import honour_old_variable
from gpu_worker.ports import EngineInfo
from gpu_worker.runpod import Unfit, check_gpu
from gpu_worker.runpod_arguments import LOG_LEVELS, add_arguments
from gpu_worker.runpod_settings import RunPodSettings
from gpu_worker.settings import Settings, WorkerSettings

#: Of the library's options; see `gpu_worker.runpod_arguments`.
LEFT_OUT = {"--rp_debugger", "--rp_api_concurrency"}


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings}


def test_every_option_of_the_library_is_taken_but_those_that_break_something() -> None:
    ours = argparse.ArgumentParser()
    add_arguments(ours)
    assert options_of(ours) == options_of(serverless.parser) - LEFT_OUT


def test_the_library_says_no_prompts_whatever_its_variable_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert LOG_LEVELS == sdk.LOG_LEVELS
    for given, level in {"DEBUG": "INFO", "trace": "INFO", "ERROR": "ERROR", "": "INFO"}.items():
        monkeypatch.setenv("RUNPOD_LOG_LEVEL", given)
        monkeypatch.setattr(RunPodLogger(), "level", "DEBUG", raising=False)
        sdk.keep_quiet()
        assert RunPodLogger().level == level


def test_progress_is_posted_only_where_runpod_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNPOD_WEBHOOK_GET_JOB", raising=False)
    assert sdk.post_progress() is None


def test_a_payload_bound_out_of_range_ends_the_start_with_a_sentence(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("GOOGLE_CLOUD_PROJECT")
    environment.setenv("DOWNLOAD_WAN2_MODEL", "false")
    environment.setenv("EMBERFRAME_RUNPOD_MAX_PAYLOAD", "30000000")
    environment.setattr("gpu_worker.__main__.log_json", lambda _: None)
    environment.setattr("sys.argv", ["gpu_worker", "runpod"])
    assert main() == 2
    assert capsys.readouterr().err == (
        "EMBERFRAME_RUNPOD_MAX_PAYLOAD is '30000000': Input should be less than or equal to "
        "20000000\n"
    )


def test_the_endpoints_own_settings_are_read(environment: pytest.MonkeyPatch) -> None:
    assert RunPodSettings().runpod_max_payload == 10_000_000
    environment.setenv("EMBERFRAME_RUNPOD_MAX_PAYLOAD", "20000000")
    assert RunPodSettings().runpod_max_payload == 20_000_000


@pytest.mark.parametrize("project", [None, ""])
def test_an_endpoint_needs_no_project_and_a_pulling_worker_does(
    environment: pytest.MonkeyPatch, project: str | None
) -> None:
    environment.delenv("GOOGLE_CLOUD_PROJECT")
    if project is not None:
        environment.setenv("GOOGLE_CLOUD_PROJECT", project)
    assert WorkerSettings().project is None
    with pytest.raises(ValidationError, match="GOOGLE_CLOUD_PROJECT"):
        Settings()
    seen: list[WorkerSettings] = []

    def run_runpod(settings: WorkerSettings, _: object) -> int:
        seen.append(settings)
        return 0

    environment.setenv("DOWNLOAD_WAN2_MODEL", "false")
    environment.setattr("gpu_worker.runpod.run_runpod", run_runpod)
    environment.setattr("gpu_worker.__main__.log_json", lambda _: None)
    environment.setattr("sys.argv", ["gpu_worker", "runpod"])
    assert main() == 0
    assert [type(it) for it in seen] == [WorkerSettings]


def test_an_endpoint_with_a_project_is_held_to_its_credentials(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    environment.setattr("sys.argv", ["gpu_worker", "runpod"])
    assert main() == 2
    assert "GOOGLE_APPLICATION_CREDENTIALS is '/nowhere.json'" in capsys.readouterr().err


def info(device: str, *models: str) -> EngineInfo:
    return EngineInfo(models=models, device=device, device_name=device, load_seconds=0)


def test_a_big_model_without_a_gpu_is_unfit() -> None:
    with pytest.raises(Unfit, match="sdxl, wan runs on this machine's CPU: no GPU was found"):
        check_gpu(info("cpu", "sdxl", "wan"))
    check_gpu(info("cuda:0", "sdxl", "wan"))
    check_gpu(info("cpu", "shapes", "shapes-film"))


@pytest.mark.parametrize(
    ("given", "cache"),
    [
        ({"TRANSFORMERS_CACHE": "/volume"}, "/volume"),
        ({"TRANSFORMERS_CACHE": "/volume", "HF_HUB_CACHE": "/hub"}, "/hub"),
        # The original worker's own pair: its pictures' models have always lain below HF_HOME.
        ({"TRANSFORMERS_CACHE": "/volume", "HF_HOME": "/volume"}, "/volume/hub"),
        ({"HF_HOME": "/home"}, "/home/hub"),
    ],
)
def test_models_are_cached_where_the_original_workers_variables_say(
    given: dict[str, str], cache: str
) -> None:
    environment = {"PATH": "/usr/bin", **given}
    honour_old_variable(environment)
    ran = subprocess.run(
        [sys.executable, "-c", "from huggingface_hub import constants as c; print(c.HF_HUB_CACHE)"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == cache


@pytest.mark.parametrize("service", ["pull", "runpod"])
def test_every_service_honours_the_old_variable_before_anything_else(
    environment: pytest.MonkeyPatch, service: str
) -> None:
    for name in ("HF_HOME", "HUGGINGFACE_HUB_CACHE"):
        environment.delenv(name, raising=False)
    # Set to nothing is not set; and what is set here is as before after the test.
    environment.setenv("HF_HUB_CACHE", "")
    environment.setenv("TRANSFORMERS_CACHE", "/volume")
    environment.setenv("EMBERFRAME_SLOTS", "0")  # so that it goes no further
    environment.setattr("sys.argv", ["gpu_worker", service])
    assert main() == 2
    assert os.environ["HF_HUB_CACHE"] == "/volume"
