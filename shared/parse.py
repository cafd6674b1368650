"""Turns an untrusted `input` object into a request model, or into sentences that say what is wrong.

Pydantic finds the faults; this module says them to a person: field, value, what is allowed.
"""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import ValidationError

from shared.errors import InvalidInput
from shared.paths import GenerationPath
from shared.request import (
    DEFAULT_MAX_IMAGES,
    LORA_NAME_PATTERN,
    LORA_NAME_WORDS,
    MAX_URL_CHARACTERS,
    MODELS,
    URL_SCHEMES,
    GenerationRequest,
    ImageRequest,
    TaskType,
)

#: Enough to mend a form in one go, short enough to read on a phone.
MAX_SENTENCES = 5
#: Longer values are cut in messages.
MAX_SHOWN_CHARACTERS = 60
#: Python refuses to write out numbers of thousands of digits.
MAX_SHOWN_NUMBER = 10**MAX_SHOWN_CHARACTERS


def parse_request(raw: object, *, max_images: int = DEFAULT_MAX_IMAGES) -> GenerationRequest:
    """Read the seed's request object. Raises `InvalidInput` with one sentence a fault.

    `task_type` may be absent; `image_url` and `mask_url` then decide. As in the seed's table,
    `text2img` with an `image_url` is image-to-image. `max_images` is the deployment's bound.
    """
    if not isinstance(raw, Mapping):
        raise InvalidInput(f"input is {_shown(raw)}; it must be an object of request parameters.")
    given = _given(raw)
    model = MODELS[_task_type(given)]
    given.pop("task_type", None)
    try:
        request = model.model_validate(given)
    except ValidationError as error:
        raise InvalidInput(_sentences(model, error, max_images)) from None
    if isinstance(request, ImageRequest) and request.num_images > max_images:
        raise InvalidInput(_too_many(request.num_images, max_images))
    return request


def parse_owned_request(
    raw: object, path: GenerationPath, *, max_images: int = DEFAULT_MAX_IMAGES
) -> GenerationRequest:
    """`parse_request`, and `user_id` and `file_uid`, when given, must be those of the path."""
    request = parse_request(raw, max_images=max_images)
    for name, given, real in (
        ("user_id", request.user_id, path.uid),
        ("file_uid", request.file_uid, path.generation_id),
    ):
        if given is not None and given != real:
            raise InvalidInput(
                f"{name} is {_shown(given)}; it must be left out or be {_shown(real)}, "
                "as in the document's path."
            )
    return request


def _given(raw: Mapping[Any, object]) -> dict[str, object]:
    """`raw` without what is null, and with keys that are texts; likewise the objects of a list."""
    return {
        name: [_named(it) if isinstance(it, Mapping) else it for it in value]
        if isinstance(value, list)
        else value
        for name, value in _named(raw).items()
    }


def _named(raw: Mapping[Any, object]) -> dict[str, object]:
    # One level: no parameter has more, and what is nested deeper must not nest our calls.
    return {
        _text(key if isinstance(key, str) else _shown(key)): value
        for key, value in raw.items()
        if value is not None
    }


def _task_type(given: Mapping[str, object]) -> TaskType:
    value = given.get("task_type", TaskType.TEXT2IMG.value)
    if not isinstance(value, str) or value not in list(TaskType):
        raise InvalidInput(f"task_type is {_shown(value)}; it must be one of {_list(TaskType)}.")
    task = TaskType(value)
    if task is TaskType.TEXT2IMG and "mask_url" in given:
        return TaskType.INPAINT
    if task is TaskType.TEXT2IMG and "image_url" in given:
        return TaskType.IMG2IMG
    return task


def _too_many(value: object, max_images: int) -> str:
    return f"num_images is {_shown(value)}; it must be a whole number from 1 to {max_images}."


def _sentences(model: type[GenerationRequest], error: ValidationError, max_images: int) -> str:
    faults = error.errors(include_url=False, include_context=True)
    said = [
        _too_many(fault["input"], max_images)
        if fault["loc"] == ("num_images",)
        else _sentence(model, fault)
        for fault in faults[:MAX_SENTENCES]
    ]
    if len(faults) > MAX_SENTENCES:
        said.append(f"Not shown: {len(faults) - MAX_SENTENCES} more.")
    return " ".join(said)


def _sentence(model: type[GenerationRequest], fault: Mapping[str, Any]) -> str:
    loc = fault["loc"]
    if not loc:  # a validator of the whole model: it wrote the sentence itself
        return str(fault["ctx"]["error"])
    node: Mapping[str, Any] = {"properties": _schema(model)}
    for depth, part in enumerate(loc):
        if isinstance(part, int):
            node = node["items"]
        elif part in node["properties"]:
            node = node["properties"][part]
        else:
            return _unknown(part, loc[:depth], node["properties"])
    name = _place(loc)
    allowed = _allowed(node)
    match fault["type"]:
        case "missing":
            return f"{name} is missing; it must be {allowed}."
        case "string_too_long":
            return f"{name} is {len(fault['input'])} characters long; it must be {allowed}."
        case "too_long":
            return f"{name} has {len(fault['input'])} entries; it must be {allowed}."
    return f"{name} is {_shown(fault['input'])}; it must be {allowed}."


def _place(loc: Iterable[int | str]) -> str:
    """As one would write it in a program: `loras[0].weight`."""
    return "".join(f"[{it}]" if isinstance(it, int) else f".{it}" for it in loc).removeprefix(".")


def _unknown(name: str, within: Sequence[int | str], known: Iterable[str]) -> str:
    names = list(known) if within else list(dict.fromkeys(["task_type", *known]))
    close = difflib.get_close_matches(name[:MAX_SHOWN_CHARACTERS], names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known are: {_list(names)}."
    plain = name.isascii() and name.isidentifier() and len(name) <= MAX_SHOWN_CHARACTERS
    place = _place(within) or "this task"
    return f"{name if plain else _shown(name)} is not a parameter of {place}; {hint}"


@cache
def _schema(model: type[GenerationRequest]) -> dict[str, Any]:
    """Field name → its JSON Schema, without references; of optional fields what is not null."""
    schema = model.model_json_schema()

    def resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
        options = [it for it in node.get("anyOf", [node]) if it.get("type") != "null"]
        node = options[0]
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
        if "items" in node:
            node = {**node, "items": resolved(node["items"])}
        if "properties" in node:
            inner = {name: resolved(field) for name, field in node["properties"].items()}
            node = {**node, "properties": inner}
        return node

    properties: dict[str, Any] = dict(resolved(schema)["properties"])
    return properties


def _allowed(field: Mapping[str, Any]) -> str:
    """What the field takes, said from its schema, so that it cannot drift from it."""
    if "enum" in field:
        return f"one of {_list(field['enum'])}"
    match field["type"]:
        case "boolean":
            return "true or false"
        case "integer":
            return f"a whole number{_range(field)}"
        case "number":
            return f"a number{_range(field)}"
        case "array":
            each = _allowed(field["items"]).removeprefix("an object")
            return f"a list of at most {field['maxItems']} objects{each}"
    return _allowed_text_or_object(field)


def _allowed_text_or_object(field: Mapping[str, Any]) -> str:
    if "properties" in field:
        return f"an object with the keys {_list(field['properties'])}"
    if field.get("maxLength") == MAX_URL_CHARACTERS:
        return (
            f"an address of at most {MAX_URL_CHARACTERS} characters that begins with one of "
            f"{_list(URL_SCHEMES)}"
        )
    if field.get("pattern") == LORA_NAME_PATTERN:
        return LORA_NAME_WORDS
    longest = f" of at most {field['maxLength']} characters" if "maxLength" in field else ""
    return f"a {'non-blank ' if 'minLength' in field else ''}text{longest}"


def _range(field: Mapping[str, Any]) -> str:
    words = ""
    if "minimum" in field:
        words += f" from {field['minimum']} to {field['maximum']}"
    if "exclusiveMinimum" in field:
        words += f" above {field['exclusiveMinimum']} and below {field['exclusiveMaximum']}"
    if "multipleOf" in field:
        words += f", a multiple of {field['multipleOf']}"
    return words


def _list(names: Iterable[str]) -> str:
    return ", ".join(str(name) for name in names)


def _shown(value: object) -> str:
    """The value as JSON would write it, cut short; of containers only the kind."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bytes):
        return "bytes"
    if isinstance(value, datetime):  # the client library has a class of its own for them
        return "a timestamp"
    if isinstance(value, int) and abs(value) > MAX_SHOWN_NUMBER:
        return "a far too large number"
    if value is None or isinstance(value, str | bool | int | float):
        text = _text(json.dumps(value, ensure_ascii=False))
    else:
        text = f"a {type(value).__name__}"
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[:MAX_SHOWN_CHARACTERS] + "…"


def _text(text: str) -> str:
    """`text` without halves of characters, which no document and no log line could hold."""
    return text.encode(errors="replace").decode()
