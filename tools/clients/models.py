"""Typed models in four languages, made by quicktype from the schemas of `tools.clients.schema`.

quicktype sees one schema with every type in it, fitted to each language: what old apps must
survive (a new error code, say) is plain text where an unknown name would fail to decode.
"""

import copy
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.request import MODELS
from tools.clients.schema import build_schemas

NODE_PACKAGE = Path(__file__).resolve().parents[2] / "build/node/package.json"
SCRIPT = Path(__file__).with_name("models.mjs")
TIMEOUT_SECONDS = 120
HEADER = (
    "// Made by `make clients` from the contract's models in shared/: change those, not this.\n\n"
)
#: Where Swift's text begins; before it quicktype writes a page of hints.
SWIFT_BEGINS = "import Foundation\n"

#: Enumerations that the server may add a name to.
OPEN_ENUMERATIONS = ("ErrorCode", "Stage", "QuotaLimit", "ChargeState")
#: quicktype knows no bytes and makes texts of them; Firestore's libraries give bytes.
BYTES = ("preview",)
#: Language → options of quicktype's.
OPTIONS: Mapping[str, Mapping[str, object]] = {
    "typescript": {"just-types": True, "prefer-unions": True, "prefer-const-values": True},
    "dart": {"coders-in-class": True},
    # Without initializers of quicktype's Swift makes its own, whose optional arguments can be left
    # out; within a module only, so the file belongs into the app's. Foundation has a Progress too.
    "swift": {
        "type-prefix": "Ember",
        "sendable": True,
        "mutable-properties": True,
        "initializers": False,
        "access-level": "internal",
    },
    "kotlin": {"framework": "kotlinx", "package": "emberframe"},
}
FILES: Mapping[str, str] = {
    "typescript": "typescript/src/models.ts",
    "dart": "dart/emberframe_models.dart",
    "swift": "swift/EmberframeModels.swift",
    "kotlin": "kotlin/EmberframeModels.kt",
}


def build_models() -> dict[str, str]:
    """Path within `clients/` → source text. Raises `CalledProcessError` where quicktype fails."""
    languages = {
        name: {"options": options, "schema": _fitted(name)} for name, options in OPTIONS.items()
    }
    made = subprocess.run(
        ["node", str(SCRIPT)],
        input=json.dumps({"languages": languages}),
        env={**os.environ, "EMBERFRAME_NODE_PACKAGE": str(NODE_PACKAGE)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    texts: dict[str, str] = json.loads(made.stdout)
    texts["swift"] = texts["swift"][texts["swift"].index(SWIFT_BEGINS) :]
    return {FILES[name]: HEADER + _with_bytes(name, text) for name, text in texts.items()}


def _fitted(language: str) -> dict[str, Any]:
    """One schema of every type, as `language` can take it."""
    types = _types()
    _join_outputs(types)
    for name in (model.__name__ for model in MODELS.values()):
        # Types can only be told apart by what is there.
        types[name]["required"] = list(dict.fromkeys(["task_type", *types[name]["required"]]))
    if language == "typescript":
        types["PictureOutput"]["properties"]["files"]["items"] = {"$ref": "#/$defs/StoredFile"}
    else:
        for name in ("PictureOutput", "FilmOutput", "StoredFilm"):
            del types[name]
        for name in OPEN_ENUMERATIONS:
            _open(types, name)
    if language == "swift":
        # Its type for anything may not be sent to another thread, so nothing that has it may.
        del types["Generation"]["properties"]["input"]
        types["Generation"]["required"].remove("input")
    for name, node in types.items():
        node["title"] = name
        if "properties" in node:
            node["additionalProperties"] = False
            node["quicktypePropertyOrder"] = list(node["properties"])
            for field in node["properties"].values():
                if "$ref" in field:  # quicktype would say it of the type
                    field.pop("description", None)
    return {"$defs": types}


def _types() -> dict[str, dict[str, Any]]:
    types: dict[str, dict[str, Any]] = {}
    for name, schema in build_schemas().items():
        whole = copy.deepcopy(schema)
        types |= whole.pop("$defs", {})
        types[name] = {key: value for key, value in whole.items() if key != "$schema"}
    return types


def _join_outputs(types: dict[str, dict[str, Any]]) -> None:
    """One type for both kinds of output and of file, since most languages have no unions."""
    types["StoredFile"] = _joined(
        types["StoredFile"], types["StoredFilm"], str(types["StoredFile"]["description"])
    )
    both = "Of pictures or of a film, whose fields are optional therefore."
    types["Output"] = _joined(types["PictureOutput"], types["FilmOutput"], both)
    types["Output"]["properties"]["files"]["items"] = {"$ref": "#/$defs/StoredFile"}
    output = types["Generation"]["properties"]["output"]
    del output["anyOf"]
    output["$ref"] = "#/$defs/Output"


def _joined(first: Mapping[str, Any], second: Mapping[str, Any], words: str) -> dict[str, Any]:
    properties = {**first["properties"], **second["properties"]}
    required = [name for name in first["required"] if name in second["required"]]
    joined = {
        "description": words, "type": "object", "properties": properties, "required": required
    }  # fmt: skip
    return copy.deepcopy(joined)


def _open(types: dict[str, dict[str, Any]], name: str) -> None:
    known = ", ".join(f"`{it}`" for it in types.pop(name)["enum"])
    for node in types.values():
        for field in node.get("properties", {}).values():
            if field.get("$ref") == f"#/$defs/{name}":
                del field["$ref"]
                said = field.get("description", "")
                field["description"] = f"{said} Known: {known}; there may be others.".strip()
                field["type"] = "string"


def _with_bytes(language: str, text: str) -> str:
    """`text` with the language's own type for what holds bytes, where its Firestore library has
    one that its decoder turns into it."""
    kinds = {"typescript": ("?: string;", "?: Uint8Array;"), "swift": (": String?", ": Data?")}
    if language not in kinds:
        return text
    before, after = kinds[language]
    for name in BYTES:
        if text.count(f" {name}{before}") != 1:
            raise ValueError(f"{language} has not exactly one {name}{before}; quicktype changed")
        text = text.replace(f" {name}{before}", f" {name}{after}")
    return text
