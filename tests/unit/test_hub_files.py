"""`.runpod`: what RunPod's hub reads, held against its published form and against what we have.

The form is that of "Hub publishing guide" of RunPod's documentation, of 2026.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from gpu_worker.credentials import KEY_VARIABLE
from gpu_worker.runpod_settings import RunPodSettings
from gpu_worker.settings import WorkerSettings
from shared.parse import parse_request

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".runpod"
POOLS = {"AMPERE_16", "AMPERE_24", "ADA_24", "ADA_32_PRO", "AMPERE_48", "ADA_48_PRO", "AMPERE_80"}
GPUS = {"NVIDIA L40S", "NVIDIA GeForce RTX 4090", "NVIDIA A40"}
#: Not ours, but read by the libraries that we stand on.
FOREIGN = {"HF_HOME"}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Input(Strict):
    name: str
    description: str
    advanced: bool = False


class Option(Strict):
    label: str
    value: str


class Text(Input):
    type: Literal["string"]
    default: str
    options: list[Option] | None = None


class Number(Input):
    type: Literal["number"]
    min: int
    max: int
    default: int


class Boolean(Input):
    type: Literal["boolean"]
    default: bool
    true_value: Annotated[str, Field(alias="trueValue")]
    false_value: Annotated[str, Field(alias="falseValue")]


class Variable(Strict):
    key: str
    input: Annotated[Text | Number | Boolean, Field(discriminator="type")]


class Preset(Strict):
    name: str
    defaults: dict[str, str | int | bool]


class HubConfig(Strict):
    runs_on: Annotated[Literal["GPU"], Field(alias="runsOn")]
    disk: Annotated[int, Field(alias="containerDiskInGb", ge=1)]
    gpu_count: Annotated[int, Field(alias="gpuCount", ge=1)]
    gpu_ids: Annotated[str, Field(alias="gpuIds")]
    presets: list[Preset]
    env: list[Variable]


class Hub(Strict):
    title: str
    description: str
    type: Literal["serverless"]
    category: Literal["audio", "embedding", "language", "video", "image"]
    config: HubConfig


class Case(Strict):
    name: str
    input: dict[str, Any]
    #: Milliseconds.
    timeout: int


class Value(Strict):
    key: str
    value: str


class TestConfig(Strict):
    __test__ = False
    gpu_type: Annotated[str, Field(alias="gpuTypeId")]
    gpu_count: Annotated[int, Field(alias="gpuCount", ge=1)]
    env: list[Value]


class HubTests(Strict):
    tests: list[Case]
    config: TestConfig


HUB = Hub.model_validate_json((FOLDER / "hub.json").read_text())
TESTS = HubTests.model_validate_json((FOLDER / "tests.json").read_text())
VARIABLES = {it.key: it.input for it in HUB.config.env}

#: Variable → the class of settings that reads it, and its field.
FIELDS: dict[str, tuple[type[WorkerSettings | RunPodSettings], str]] = {
    str(field.validation_alias or f"EMBERFRAME_{name.upper()}"): (kind, name)
    for kind in (WorkerSettings, RunPodSettings)
    for name, field in kind.model_fields.items()
}


def test_every_file_that_the_hub_wants_is_there() -> None:
    for name in ("hub.json", "tests.json", "handler.py", "Dockerfile"):
        assert (FOLDER / name).is_file()
    assert (ROOT / "README.md").is_file()
    assert set(HUB.config.gpu_ids.split(",")) <= POOLS
    assert TESTS.config.gpu_type in GPUS


def test_every_variable_of_the_hub_is_a_setting_of_ours() -> None:
    assert VARIABLES.keys() - FOREIGN - {KEY_VARIABLE} <= FIELDS.keys()
    assert {it.key for it in TESTS.config.env} <= FIELDS.keys()
    for preset in HUB.config.presets:
        assert preset.defaults.keys() <= VARIABLES.keys()


@pytest.mark.parametrize("name", sorted(VARIABLES.keys() & FIELDS.keys()))
def test_what_the_hub_offers_is_taken_and_its_default_is_ours(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for given in list(os.environ):
        if given.startswith("EMBERFRAME_") or given in FIELDS:
            monkeypatch.delenv(given)
    kind, field = FIELDS[name]

    def read(value: object) -> object:
        monkeypatch.setenv(name, str(value))
        return getattr(kind(), field)

    offered = VARIABLES[name]
    values: list[object] = [it.defaults[name] for it in HUB.config.presets if name in it.defaults]
    if isinstance(offered, Number):
        values += [offered.min, offered.max]
    elif isinstance(offered, Boolean):
        values += [offered.true_value, offered.false_value]
    elif offered.options:
        values += [option.value for option in offered.options]
    for value in values:
        read(value)
    default = read(offered.default)
    monkeypatch.delenv(name)
    assert default == getattr(kind(), field)


@pytest.mark.parametrize("case", TESTS.tests, ids=lambda case: case.name)
def test_every_request_of_the_hubs_tests_is_one_of_the_contract(case: Case) -> None:
    assert parse_request(case.input).task_type == case.name


def test_the_hubs_image_is_the_image_but_for_what_it_runs() -> None:
    lines = [
        line
        for line in (FOLDER / "Dockerfile").read_text().splitlines()
        if not line.startswith("# For a listing on RunPod's hub")
    ]
    assert lines[-1] == 'CMD ["runpod"]'
    assert lines[:-1] == (ROOT / "Dockerfile").read_text().splitlines()[:-1]


def test_the_hubs_handler_is_the_endpoint(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, FOLDER / "handler.py", "--test_input", "{}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert 'it must be an object of the form {"input": {…}}' in ran.stderr


def test_the_documented_ways_name_every_variable_of_the_hub() -> None:
    page = (ROOT / "docs/runpod.md").read_text()
    settings = (ROOT / "docs/settings.md").read_text()
    for name in VARIABLES:
        assert re.search(rf"`{name}`", page + settings), name
    assert json.loads((FOLDER / "hub.json").read_text())["config"]["containerDiskInGb"] >= 60
