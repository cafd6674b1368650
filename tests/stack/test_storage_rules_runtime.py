"""The Storage rules adapter, driven over its pipes as firebase-tools drives it.

The driver keeps one listener a request id, as firebase-tools does: a second message under an id
whose listener is used up is the fault that these tests are about.
"""

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tools.stack.binaries import emulator_binaries
from tools.stack.google_sdk import find_sdk_emulators
from tools.stack.java import find_compiler, quick_runtime

pytestmark = pytest.mark.skipif(
    find_sdk_emulators() is None or find_compiler() is None,
    # CI runs these: .ci/run installs javac where there is none, and the SDK is on the machine.
    reason="no Google Cloud SDK or no javac here, so there is no adapter to test: the Storage"
    " emulator then runs firebase-tools' own runtime, and tests/rules tries the rules on that",
)

REPLY_TIMEOUT_SECONDS = 20
Documents = dict[str, dict[str, Any]]


class Runtime:
    """One adapter process, and what firebase-tools would do with it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._next_id = 0
        threading.Thread(target=self._read, daemon=True).start()
        assert self.hear()["id"] == -1
        self.questions: list[str] = []

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def hear(self) -> dict[str, Any]:
        return self._lines.get(timeout=REPLY_TIMEOUT_SECONDS)

    def is_silent(self) -> bool:
        return self._lines.empty()

    def say(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def load(self, condition: str) -> dict[str, Any]:
        source = f"""rules_version = '2';
            service firebase.storage {{ match /b/{{bucket}}/o {{
              match /{{name=**}} {{ allow create: if {condition}; }} }} }}"""
        files = [{"name": "storage.rules", "content": source}]
        return self._ask("load_ruleset", {"rulesetName": "rules", "source": {"files": files}})

    def permits(self, documents: Documents) -> bool:
        """The verdict on a create, answering each question with what `documents` has."""
        variables = {
            "request": {"map_value": {"fields": {"auth": {"null_value": None}}}},
            "resource": {"null_value": None},
        }
        context = {
            "rulesetName": "rules",
            "service": "firebase.storage",
            "path": "/b/bucket/o/file",
            "method": "create",
            "variables": variables,
        }
        reply = self._ask("verify", context)
        while "context" in reply:
            # The listener is used up now: anything that arrives before the answer would be lost.
            assert self.is_silent()
            path = reply["context"]["path"]
            self.questions.append(path)
            found = documents.get(path.removeprefix("/databases/(default)/documents"))
            answer: dict[str, Any] = {"status": "document_not_found"}
            if found is not None:
                answer = {"status": "ok", "result": {"name": path, "fields": found}}
            self.say({"id": reply["server_request_id"], "warnings": [], "errors": [], **answer})
            reply = self.hear()
        assert reply["errors"] == []
        permit: bool = reply["result"]["permit"]
        return permit

    def _ask(self, action: str, context: dict[str, Any]) -> dict[str, Any]:
        self.say({"id": self._next_id, "action": action, "context": context})
        self._next_id += 1
        return self.hear()


@pytest.fixture(scope="module")
def runtime() -> Iterator[Runtime]:
    java = quick_runtime()
    jar = emulator_binaries(java).variables["STORAGE_EMULATOR_BINARY_PATH"]
    with subprocess.Popen(
        [str(java.java), "-jar", jar, "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Runtime(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=REPLY_TIMEOUT_SECONDS) == 0


def _get(name: str) -> str:
    return f"firestore.get(/databases/(default)/documents/cards/{name}).data"


OPEN = {"open": {"booleanValue": True}}
CLOSED = {"open": {"booleanValue": False}}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(OPEN, OPEN, True), (OPEN, CLOSED, False), (CLOSED, OPEN, False)],
)
def test_two_documents_in_one_rule_are_not_confused(
    runtime: Runtime, first: dict[str, Any], second: dict[str, Any], *, expected: bool
) -> None:
    runtime.load(f"{_get('a')}.open && {_get('b')}.open")
    assert runtime.permits({"/cards/a": first, "/cards/b": second}) is expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(OPEN, CLOSED, True), (CLOSED, OPEN, True), (CLOSED, CLOSED, False)],
)
def test_a_verdict_waits_until_no_answer_is_on_its_way(
    runtime: Runtime, first: dict[str, Any], second: dict[str, Any], *, expected: bool
) -> None:
    runtime.load(f"{_get('a')}.open || {_get('b')}.open")
    assert runtime.permits({"/cards/a": first, "/cards/b": second}) is expected


#: The engine evaluates these side by side, so both documents are wanted at once.
TWO_ALLOWS = f"{_get('a')}.open; allow create: if {_get('b')}.open"
TWO_MATCHES = f"{_get('a')}.open; }} match /file {{ allow create: if {_get('b')}.open"


@pytest.mark.parametrize("rules", [TWO_ALLOWS, TWO_MATCHES])
@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(OPEN, OPEN, True), (OPEN, CLOSED, True), (CLOSED, OPEN, True), (CLOSED, CLOSED, False)],
)
def test_rules_that_are_evaluated_side_by_side_read_a_document_each(
    runtime: Runtime, rules: str, first: dict[str, Any], second: dict[str, Any], *, expected: bool
) -> None:
    assert runtime.load(rules)["errors"] == []
    assert runtime.permits({"/cards/a": first, "/cards/b": second}) is expected


def test_a_document_is_asked_for_once_a_verification(runtime: Runtime) -> None:
    runtime.load(f"{_get('a')}.open && {_get('a')}.open != false")
    runtime.questions.clear()
    assert runtime.permits({"/cards/a": OPEN})
    assert len(runtime.questions) == 1


def test_a_missing_document_does_not_exist_and_its_fields_deny(runtime: Runtime) -> None:
    runtime.load("!firestore.exists(/databases/(default)/documents/cards/a)")
    assert runtime.permits({})
    assert not runtime.permits({"/cards/a": OPEN})
    runtime.load(f"{_get('a')}.open == true")
    assert not runtime.permits({})


@pytest.mark.parametrize(
    ("value", "condition"),
    [
        ({"integerValue": "7"}, "field == 7"),
        ({"doubleValue": 0.5}, "field < 1"),
        ({"stringValue": "x"}, "field == 'x'"),
        ({"nullValue": None}, "field == null"),
        ({"timestampValue": "2026-11-23T00:00:00Z"}, "field < timestamp.date(2027, 1, 1)"),
        ({"bytesValue": "AQI="}, "field.size() == 2"),
        ({"geoPointValue": {"latitude": 4.5}}, "field.latitude() == 4.5 && field.longitude() == 0"),
        ({"arrayValue": {"values": [{"stringValue": "x"}]}}, "'x' in field"),
        ({"arrayValue": {}}, "field.size() == 0"),
        ({"mapValue": {"fields": {"a": {"booleanValue": True}}}}, "field.a"),
        (
            {"referenceValue": "projects/p/databases/(default)/documents/cards/b"},
            "field == /databases/(default)/documents/cards/b",
        ),
    ],
)
def test_every_kind_of_field_reaches_the_rule(
    runtime: Runtime, value: dict[str, Any], condition: str
) -> None:
    runtime.load(condition.replace("field", f"{_get('a')}.field"))
    assert runtime.permits({"/cards/a": {"field": value}})


def test_rules_that_do_not_compile_are_refused_with_line_and_reason(runtime: Runtime) -> None:
    reply = runtime.load("(")
    assert "storage.rules:3" in reply["errors"][0]
