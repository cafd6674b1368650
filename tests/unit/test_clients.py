"""What apps copy is what the contract says: schemas and models are as `make clients` makes them."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.document import SERVER_FIELDS
from shared.errors import ErrorCode, InvalidInput
from shared.paths import _ID, check_id
from shared.public_document import PublicGeneration
from shared.request import MODELS, Scheduler, TaskType
from tests.e2e.typescript_client import compile_client
from tools.clients.__main__ import CLIENTS, FILM_SIZES, build_files
from tools.clients.models import FILES
from tools.clients.schema import build_schemas

#: Folders in which nothing is written by hand.
GENERATED = ("schema", "dart", "swift", "kotlin")
PAGE = (CLIENTS.parent / "docs" / "clients.md").read_text()
LIBRARY = sorted((CLIENTS / "typescript" / "src").glob("*.ts"))


@pytest.fixture(scope="module")
def made() -> dict[Path, str]:
    return build_files()


def test_what_is_checked_in_is_what_make_clients_makes(made: Mapping[Path, str]) -> None:
    there = {
        path.relative_to(CLIENTS)
        for folder in GENERATED
        for path in (CLIENTS / folder).rglob("*")
        if path.is_file()
    }
    assert there | {Path(FILES["typescript"]), FILM_SIZES} == set(made)
    stale = [str(name) for name, text in made.items() if (CLIENTS / name).read_text() != text]
    assert stale == [], "run `make clients`"


def test_every_field_of_a_request_is_in_its_schema_with_its_limits() -> None:
    schemas = build_schemas()
    for task, model in MODELS.items():
        schema = schemas[model.__name__]
        assert set(schema["properties"]) == set(model.model_fields)
        assert schema["additionalProperties"] is False
        assert schema["properties"]["task_type"]["const"] == task.value
    steps = schemas["Text2ImgRequest"]["properties"]["num_inference_steps"]
    assert (steps["minimum"], steps["maximum"], steps["default"]) == (1, 150, 25)
    assert steps["description"].endswith("At least 1, at most 150. Default: 25.")


def test_a_film_has_to_say_its_task_since_else_it_is_taken_for_a_picture() -> None:
    required = {name: schema["required"] for name, schema in build_schemas().items()}
    assert [name for name, fields in required.items() if "task_type" in fields] == [
        MODELS[TaskType.TEXT2VIDEO].__name__
    ]


def test_apps_are_told_of_every_field_that_the_server_reads_of_a_document() -> None:
    assert set(SERVER_FIELDS) <= set(PublicGeneration.model_fields)


def test_a_document_may_get_fields_that_today_s_apps_do_not_know() -> None:
    assert "additionalProperties" not in json.dumps(
        {name: node for name, node in objects_of(build_schemas()["Generation"]) if name != "Lora"}
    )


@pytest.mark.parametrize("language", sorted(set(FILES) - {"typescript"}))
def test_an_app_of_today_survives_an_error_code_of_tomorrow(
    made: Mapping[Path, str], language: str
) -> None:
    # As an enumeration it would make the whole document unreadable.
    text = made[Path(FILES[language])]
    declared = re.findall(r"(?:class|enum|struct) (\w+)", text)
    assert {"Failure", "EmberFailure"} & set(declared)
    assert not {"ErrorCode", "EmberErrorCode"} & set(declared)
    assert all(code.value in text for code in ErrorCode), "named in a comment"
    assert all(it.value in text for it in Scheduler), "what the app writes is enumerated"


def test_the_typescript_client_its_tests_and_the_docs_examples_compile(tmp_path: Path) -> None:
    examples = re.findall(r"```ts\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) >= 2
    # An app has it in a folder of its own; the tests have it next door.
    sources = {
        f"docs_{number}.ts": text.replace('"./emberframe/index.js"', '"../src/index.js"')
        for number, text in enumerate(examples)
    }
    client = compile_client(tmp_path / "typescript", sources)
    assert {path.stem for path in (client / "dist").glob("*.js")} == {it.stem for it in LIBRARY}


def test_the_typescript_client_needs_firebase_and_nothing_else() -> None:
    package = json.loads((CLIENTS / "typescript" / "package.json").read_text())
    assert list(package["peerDependencies"]) == ["firebase"]
    assert package.keys().isdisjoint({"dependencies", "devDependencies"})
    assert package["sideEffects"] is False
    assert len(LIBRARY) > 10
    for path in LIBRARY:
        for source in re.findall(r'from "([^"]+)"', path.read_text()):
            assert source.startswith(("./", "firebase/")), f"{path.name}: {source}"


def test_every_call_of_the_typescript_client_is_in_the_docs() -> None:
    index = (CLIENTS / "typescript" / "src" / "index.ts").read_text()
    exported = {
        name for names in re.findall(r"^export \{([^}]+)\}", index, re.MULTILINE)
        for name in re.findall(r"\w+", names)
    }  # fmt: skip
    assert len(exported) >= 10
    assert [name for name in sorted(exported) if f"`{name}(" not in PAGE] == []


def test_the_typescript_client_takes_the_ids_that_the_server_takes() -> None:
    text = (CLIENTS / "typescript" / "src" / "arguments.ts").read_text()
    form = re.search(r"^const ID = /\^(.+)\$/;$", text, re.MULTILINE)
    allowed = re.search(r'^const ID_ALLOWED =\n  "(.+)";$', text, re.MULTILINE)
    assert form is not None
    assert allowed is not None
    assert form[1] == _ID.pattern
    with pytest.raises(InvalidInput, match=re.escape(f"id is 'a/b'; it must be {allowed[1]}.")):
        check_id("id", "a/b")


def test_every_failure_of_the_typescript_client_is_in_the_docs() -> None:
    failures = (CLIENTS / "typescript" / "src" / "failures.ts").read_text()
    codes = set(re.findall(r'readonly code: "(\w+)"', failures))
    assert len(codes) >= 9
    assert [code for code in sorted(codes) if f"`{code}`" not in PAGE] == []


def test_the_errors_that_the_client_shows_are_told_apart_by_every_code_of_the_contract() -> None:
    models = (CLIENTS / FILES["typescript"]).read_text()
    codes = re.search(r"type ErrorCode = ([^;]+);", models)
    assert codes is not None
    assert set(re.findall(r'"(\w+)"', codes[1])) == {it.value for it in ErrorCode}


def objects_of(schema: Mapping[str, Any]) -> list[tuple[str, Any]]:
    whole = {key: it for key, it in schema.items() if key not in ("$defs", "properties")}
    return [("", whole), *schema["$defs"].items()]
