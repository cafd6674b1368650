"""What the docs say exists, and what exists is said."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gpu_worker.push_settings import PushSettings
from gpu_worker.runpod_settings import RunPodSettings
from gpu_worker.settings import Settings
from gpu_worker.store_settings import StoreSettings
from shared.errors import RETRYABLE, ErrorCode
from shared.request import MODELS
from shared.status import ALLOWED, Status
from trigger.endpoints import (
    BASE_URL,
    BASE_URL_VARIABLE,
    BY_TOPIC,
    ENDPOINT_VARIABLE,
    KEY_VARIABLE,
    EndpointSettings,
)

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
CONTRACT = (DOCS / "contract.md").read_text()
PAGES = [REPOSITORY / "README.md", *sorted(DOCS.rglob("*.md"))]


def row(page: str, name: str) -> str:
    """The table row of `page` whose first cell names `name`."""
    for line in page.splitlines():
        if line.startswith("|") and f"`{name}`" in line.split("|")[1]:
            return line
    raise AssertionError(f"no table row names {name}")


FIELDS = {
    name: field
    for model in MODELS.values()
    for name, field in model.model_json_schema()["properties"].items()
    if name != "task_type"
}


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_request_field_is_documented_with_its_default_and_limits(name: str) -> None:
    line = row(CONTRACT, name)
    field: dict[str, Any] = FIELDS[name]
    default = field.get("default")
    if isinstance(default, bool):
        assert str(default).lower() in line
    elif default is not None:
        assert str(default) in line
    options = [part for part in field.get("anyOf", [field]) if part.get("type") != "null"]
    for limit in ("minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"):
        if limit in options[0]:
            assert f"{options[0][limit]:g}" in line or str(options[0][limit]) in line


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_error_code_is_documented_with_whether_it_is_retried(code: ErrorCode) -> None:
    cells = row(CONTRACT, code.value).split("|")
    assert cells[2].strip() == ("yes" if code in RETRYABLE else "no")


@pytest.mark.parametrize("status", [status for status in Status if not status.terminal])
def test_every_move_of_the_status_table_is_documented(status: Status) -> None:
    section = CONTRACT.partition("| status | meaning | next |")[2]
    assert set(re.findall(r"`(\w+)`", row(section, status).split("|")[3])) == ALLOWED[status]


SETTINGS = {
    name: field
    for kind in (StoreSettings, PushSettings, RunPodSettings, Settings)
    for name, field in kind.model_fields.items()
}


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    field = SETTINGS[name]
    variable = field.validation_alias or f"EMBERFRAME_{name.upper()}"
    line = row((DOCS / "settings.md").read_text(), str(variable))
    if isinstance(field.default, str | int | float):
        assert (
            f"`{field.default:g}`" in line
            if isinstance(field.default, float)
            else str(field.default) in line
        )


@pytest.mark.parametrize("known", BY_TOPIC.values(), ids=BY_TOPIC)
def test_every_limit_of_a_job_is_documented_with_its_default(known: EndpointSettings) -> None:
    page = (DOCS / "settings.md").read_text()
    assert f"`{known.execution_seconds}`" in row(page, known.execution_variable)
    assert f"`{known.ttl_seconds}`" in row(page, known.ttl_variable)
    for variable in (ENDPOINT_VARIABLE, known.endpoint_variable, KEY_VARIABLE):
        assert row(page, variable)
    assert f"`{BASE_URL}`" in row(page, BASE_URL_VARIABLE)


def test_every_variable_of_ours_that_the_code_reads_is_documented() -> None:
    sources = [
        path
        for room in ("shared", "trigger", "gpu_worker", "tools")
        for path in (REPOSITORY / room).rglob("*")
        if path.suffix in (".py", ".mjs", ".cjs")
    ]
    used = {
        name
        for path in [*sources, REPOSITORY / "tests/conftest.py"]
        for name in re.findall(r"EMBERFRAME_[A-Z_]+[A-Z]", path.read_text())
    }
    settings = (DOCS / "settings.md").read_text()
    assert used
    assert [name for name in sorted(used) if f"`{name}`" not in settings] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    # Alone in backquotes, or at the start of a line of a code block.
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE))
    listed = subprocess.run(
        ["make", "-s", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    assert named <= set(re.findall(r"^  make ([a-z-]+)", listed, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_local_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_dependency_is_justified() -> None:
    page = (DOCS / "dependencies.md").read_text()
    asked = {
        name
        for path in (REPOSITORY / "requirements").glob("*.in")
        for name in re.findall(r"^([a-z][a-z0-9-]+)", path.read_text(), re.MULTILINE)
    }
    npm = json.loads((REPOSITORY / "tools/node/package.json").read_text())
    asked |= {f"{name} (npm)" for name in npm["dependencies"]}
    justified = set(re.findall(r"[a-z][a-z0-9-]+", page))
    justified |= set(re.findall(r"^\| (\S+ \(npm\)) \|", page, re.MULTILINE))
    assert asked - justified == set()


def test_no_committed_file_names_a_registry_or_a_path_of_one_machine() -> None:
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    # Spelt apart, so that this file does not name them.
    forbidden = [
        "pythonhosted" + ".org", "pypi" + ".org", "registry.npmjs" + ".org", "deb.debian" + ".org",
        "/usr/lib/google-" + "cloud-sdk", "/work" + "/main",
    ]  # fmt: skip
    found = [
        (name, word)
        for name in files
        if name and (REPOSITORY / name).is_file()
        for word in forbidden
        if word.encode() in (REPOSITORY / name).read_bytes()
    ]
    assert found == []
