"""Asserts that the emulators took the security rules.

With rules that do not compile the emulators start all the same, denying or allowing everything; so
each is given its rules once more, which answers with the compiler's verdict.
"""

from http import HTTPStatus
from pathlib import Path

import httpx

from tools.stack.failure import StackError
from tools.stack.names import PROJECT

TIMEOUT_SECONDS = 30.0


def assert_rules_compile(*, firestore: str, storage: str, project: Path, log: Path) -> None:
    """Raises StackError unless both emulators (host:port) accept the rules in folder `project`."""
    firestore_url = f"http://{firestore}/emulator/v1/projects/{PROJECT}:securityRules"
    _put(firestore_url, project / "firestore.rules", log)
    _put(f"http://{storage}/internal/setRules", project / "storage.rules", log)


def _put(url: str, rules: Path, log: Path) -> None:
    # The whole path as name: the Storage emulator watches the file that its rules are named after.
    body = {"rules": {"files": [{"name": str(rules), "content": rules.read_text("utf-8")}]}}
    answer = httpx.put(url, json=body, timeout=TIMEOUT_SECONDS, trust_env=False)
    if answer.status_code != HTTPStatus.OK:
        content = answer.json()
        reason = content.get("error", content).get("message", answer.text).rstrip(".")
        raise StackError(f"{rules.name} was refused: {' '.join(reason.split())}.", log)
