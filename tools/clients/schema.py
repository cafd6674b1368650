"""The JSON Schemas that apps get, built from the pydantic models of `shared`.

The words come from the models' own `#:` comments and limits. Nulls are left out: `null` and "not
given" are the same to the server, and types made from both would have two kinds of nothing. A
document may have more fields one day, so its schema is open; a request's is closed.
"""

import ast
import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from shared.public_document import PublicGeneration, PublicModel
from shared.request import MODELS, TaskType

#: Name of a schema's file, which is that of its type too → the model that it comes from.
SOURCES: Mapping[str, type[BaseModel]] = {
    **{model.__name__: model for model in MODELS.values()},
    "Generation": PublicGeneration,
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: Fields of a request in the order in which a person looks for them; then come all others.
FIRST = ("task_type", "prompt", "image_url", "mask_url", "negative_prompt")
LAST = ("user_id", "file_uid", "use_cloud_storage")
#: In ranges: pydantic's word → ours.
BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
    "multipleOf": "a multiple of",
}


def build_schemas() -> dict[str, dict[str, Any]]:
    """Name → JSON Schema, whole by itself."""
    return {name: build_schema(name) for name in SOURCES}


def build_schema(name: str) -> dict[str, Any]:
    """One of `SOURCES`. Raises `KeyError` for another name."""
    model = SOURCES[name]
    raw = model.model_json_schema()
    known = {it.__name__: it for it in _models_of(model)}
    inside = raw.pop("$defs", {})
    definitions = {inner: _tidied(node, known.get(inner)) for inner, node in inside.items()}
    schema = {"$schema": DIALECT, "title": name, **_tidied(raw, model)}
    if model is not PublicGeneration:
        schema["properties"] = _most_wanted_first(schema["properties"])
    if name == MODELS[TaskType.TEXT2VIDEO].__name__:
        # The server takes what does not say its task for a picture.
        schema["required"] = ["task_type", *schema["required"]]
        schema["properties"]["task_type"].pop("default")
    return {**schema, **({"$defs": definitions} if definitions else {})}


def _most_wanted_first(properties: Mapping[str, Any]) -> dict[str, Any]:
    first = [name for name in FIRST if name in properties]
    between = [name for name in properties if name not in (*FIRST, *LAST)]
    return {name: properties[name] for name in (*first, *between, *LAST)}


def _tidied(node: Mapping[str, Any], model: type[BaseModel] | None) -> dict[str, Any]:
    """An object or an enumeration without its own Python name; its fields with their words."""
    tidy = {key: value for key, value in node.items() if key != "title"}
    if model is not None and issubclass(model, PublicModel):
        tidy.pop("additionalProperties", None)
    if "description" in tidy:
        tidy["description"] = inspect.cleandoc(tidy["description"]).replace("\n", " ")
    if "properties" in node:
        words = _comments(model) if model else {}
        tidy["properties"] = {
            name: _field(
                field,
                words.get(name, ""),
                required=name in node.get("required", []),
                written=model is not None and not issubclass(model, PublicModel),
            )
            for name, field in node["properties"].items()
        }
    return tidy


def _field(
    field: Mapping[str, Any], words: str, *, required: bool, written: bool
) -> dict[str, Any]:
    """`written`: by the app, which therefore has to know the limits."""
    plain = {key: value for key, value in field.items() if key != "title"}
    options = plain.pop("anyOf", None)
    if options is not None:
        kept = [it for it in options if required or it.get("type") != "null"]
        plain = {**plain, **(kept[0] if len(kept) == 1 else {"anyOf": kept})}
    if not required and plain.get("default", ...) is None:
        plain.pop("default")
    if plain.get("format") == "base64url":
        plain = {key: value for key, value in plain.items() if key != "format"}
        plain["contentEncoding"] = "base64"
    limits = _limits(plain) if written and "const" not in plain else ""
    said = " ".join(it for it in (words, limits) if it)
    return {**({"description": said} if said else {}), **plain}


def _limits(field: Mapping[str, Any]) -> str:
    bounds = [f"{word} {field[key]}" for key, word in BOUNDS.items() if key in field]
    if "maxLength" in field:
        bounds.append(f"at most {field['maxLength']} characters")
    if "maxItems" in field:
        bounds.append(f"at most {field['maxItems']}")
    text = f"{', '.join(bounds).capitalize()}." if bounds else ""
    default = field.get("default", [])
    if default not in ([], ()):
        shown = str(default).lower() if isinstance(default, bool) else default
        text = f"{text} Default: {shown}.".strip()
    return text


@cache
def _comments(model: type[BaseModel]) -> dict[str, str]:
    """Field → its `#:` comment, those of the classes it inherits from included."""
    words: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if issubclass(owner, BaseModel) and owner is not BaseModel:
            words.update(_own_comments(owner))
    return words


def _own_comments(owner: type[BaseModel]) -> dict[str, str]:
    source = inspect.getsource(owner)
    lines = source.splitlines()
    (parsed,) = ast.parse(source).body
    assert isinstance(parsed, ast.ClassDef)
    words = {}
    for statement in parsed.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            above = statement.lineno - 2
            said: list[str] = []
            while lines[above].strip().startswith("#:"):
                said.insert(0, lines[above].strip().removeprefix("#:").strip())
                above -= 1
            words[statement.target.id] = " ".join(said)
    return words


def _models_of(model: type[BaseModel]) -> set[type[BaseModel]]:
    """The models that the fields of `model` are made of, however deep."""
    found: set[type[BaseModel]] = set()
    waiting: list[Any] = [field.annotation for field in model.model_fields.values()]
    while waiting:
        it = waiting.pop()
        waiting.extend(getattr(it, "__args__", ()))
        if isinstance(it, type) and issubclass(it, BaseModel) and it not in found:
            found.add(it)
            waiting.extend(field.annotation for field in it.model_fields.values())
    return found
