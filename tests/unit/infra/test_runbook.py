"""Whoever is woken by an alert finds what to do, and what is said there is there."""

import re
from typing import Any

from shared.errors import ErrorCode
from tests.unit.infra.terraform import resources
from tools.provider_schema import REPOSITORY

RUNBOOK = (REPOSITORY / "docs/runbook.md").read_text()
ROOMS = ("gpu_worker", "trigger", "shared")


def test_every_alert_has_an_entry_that_says_what_to_do(plan: dict[str, Any]) -> None:
    entries = {
        entry.partition("\n")[0]: entry for entry in re.split(r"^## ", RUNBOOK, flags=re.MULTILINE)
    }
    alerts = resources(plan, "google_monitoring_alert_policy")
    assert alerts
    for alert in alerts.values():
        entry = entries[alert["display_name"].removeprefix("Emberframe: ")]
        assert re.search(r"^\| .* do \|$", entry, re.MULTILINE), entry


def test_every_error_code_of_the_runbook_is_one() -> None:
    entry = RUNBOOK.partition("## Too many generations fail")[2].partition("\n## ")[0]
    named = {
        code
        for row in re.findall(r"^\| (`.*?) \|", entry, re.MULTILINE)
        for code in re.findall(r"`(\w+)`", row)
    }
    assert named
    assert named <= {str(code) for code in ErrorCode}


def test_every_log_line_that_is_searched_for_is_written_somewhere() -> None:
    code = "\n".join(
        path.read_text() for room in ROOMS for path in (REPOSITORY / room).rglob("*.py")
    )
    searched = re.findall(r'jsonPayload\.message="([^"]+)"', RUNBOOK)
    assert searched
    for line in [*searched, "RunPod does not take"]:
        assert f'"{line}' in code, line
