"""Strategies of malformed requests: values that no parameter takes, and good requests spoilt.

Two worlds: what a Python caller may hand the parser (`requests`), and what Firestore can store,
written as its REST interface does (`stored_requests`), which no client library can refuse to send.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from shared.request import MODELS, TaskType
from tests.rules.firestore_rest import Stored, value

NAMES = sorted({name for model in MODELS.values() for name in model.model_fields})
LEAST: Mapping[TaskType, dict[str, Any]] = {
    TaskType.TEXT2IMG: {"prompt": "a dog"},
    TaskType.IMG2IMG: {"image_url": "https://example.com/dog.png"},
    TaskType.INPAINT: {
        "image_url": "https://example.com/dog.png",
        "mask_url": "https://example.com/mask.png",
    },
    TaskType.TEXT2VIDEO: {"prompt": "a dog runs"},
}
#: One beyond what each kind of text may have, far beyond, and a document's whole mebibyte.
LENGTHS = (2001, 8001, 100_000, 1_000_000)
#: Deeper than Python nests its calls, and than JSON's own reader goes.
DEPTHS = (2, 30, 400, 900)

texts = st.one_of(
    st.text(max_size=30),
    # Control characters, halves of characters, right-to-left marks, what logs and tables end at.
    st.text(st.characters(categories=["Cc", "Cs", "Cf", "Zl"]), min_size=1, max_size=10),
    st.sampled_from(["", " \n\t", "null", "NaN", "-1", "1e999", "{}", "../../etc/passwd"]),
    st.builds(lambda unit, count: unit * count, st.characters(), st.sampled_from(LENGTHS)),
    # The syntax of weights, opened and never closed.
    st.builds(lambda unit, count: unit * count, st.sampled_from("()+-\\"), st.integers(1, 3000)),
)
numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([2**53, 2**63, -(2**63), 1e308, -0.0]),
    # Made, not listed: neither Python nor Hypothesis writes out numbers of that many digits.
    st.sampled_from([400, 6000]).map(lambda digits: -(10**digits)),
)


def _nested(kind: str, depth: int) -> Any:
    grown: Any = 1
    for _ in range(depth):
        grown = {"list": [grown], "map": {"a": grown}, "both": [{"a": grown}]}[kind]
    return grown


scalars = st.none() | st.booleans() | numbers | texts
containers = st.one_of(
    st.lists(scalars, max_size=6),
    st.dictionaries(st.sampled_from(["name", "weight", "a"]) | texts, scalars, max_size=4),
    st.lists(st.dictionaries(st.sampled_from(["name", "weight", "Weight"]), scalars), max_size=6),
    st.builds(_nested, st.sampled_from(["list", "map", "both"]), st.sampled_from(DEPTHS)),
    st.builds(lambda count: {f"k{n}": n for n in range(count)}, st.sampled_from([33, 5000])),
)
#: Of types that no JSON has; Firestore has some of them.
foreign = st.one_of(
    st.binary(max_size=20),
    st.datetimes(),
    st.sampled_from([1j, {1}, (1, 2), object(), Ellipsis, *TaskType]),
)
values = scalars | containers | foreign
keys = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(NAMES).map(lambda name: name[:-1]),
    texts,
)
odd_keys = st.sampled_from([None, 5, b"prompt", (1,), 2.5]) | numbers


@st.composite
def _spoilt(draw: st.DrawFn) -> dict[Any, Any]:
    """A request that is good but for one to three of its fields."""
    task = draw(st.sampled_from(list(TaskType)))
    spoilt = draw(st.dictionaries(keys | odd_keys, values, min_size=1, max_size=3))
    return {"task_type": task.value, **LEAST[task], **spoilt}


#: For the parser.
requests = st.one_of(_spoilt(), _spoilt(), st.dictionaries(keys, values, max_size=8), values)


#: Integers of 64 bits, texts without halves of characters, no list straight in a list: the store
#: itself refuses others.
stored_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.builds(
    lambda unit, count: unit * count, st.sampled_from("x(é\x00"), st.sampled_from((2001, 100_000))
)
stored_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    stored_texts,
)
stored_foreign = st.one_of(
    st.binary(max_size=20),
    st.just(datetime(2026, 1, 1, tzinfo=UTC)),
    st.sampled_from(
        [
            Stored({"geoPointValue": {"latitude": 1.5, "longitude": -2}}),
            Stored({"referenceValue": "projects/other/databases/(default)/documents/secret/one"}),
            Stored({"timestampValue": "0001-01-01T00:00:00Z"}),
            Stored({"timestampValue": "9999-12-31T23:59:59.999999Z"}),
        ]
    ),
)
stored_keys = st.sampled_from(NAMES) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda key: not (key.startswith("__") and key.endswith("__")))


def _nested_map(depth: int) -> Any:
    grown: Any = 1
    for _ in range(depth):
        grown = {"a": [grown]} if depth % 2 else {"a": grown}
    return grown


stored_values = st.one_of(
    stored_scalars,
    stored_scalars,
    stored_foreign,
    st.lists(stored_scalars | stored_foreign, max_size=5),
    st.lists(st.dictionaries(st.sampled_from(["name", "weight", "x"]), stored_scalars), max_size=6),
    st.dictionaries(stored_keys, stored_scalars | stored_foreign, max_size=4),
    # Firestore takes twenty levels in all.
    st.builds(_nested_map, st.sampled_from([1, 5, 8])),
)


@st.composite
def _stored_spoilt(draw: st.DrawFn) -> dict[str, Any]:
    task = draw(st.sampled_from(list(TaskType)))
    spoilt = draw(st.dictionaries(stored_keys, stored_values, min_size=1, max_size=3))
    return {"task_type": task.value, **LEAST[task], **spoilt}


#: For a document's `input`.
stored_requests = st.one_of(
    _stored_spoilt(), _stored_spoilt(), st.dictionaries(stored_keys, stored_values), stored_values
)
#: What an admin or a bug may have written in place of "pending".
stored_statuses = st.one_of(
    st.just("pending"),
    st.just("pending"),
    st.sampled_from(["queued", "processing", "PENDING", "", "done"]),
    stored_values.filter(lambda it: not isinstance(it, str)),
)


@st.composite
def _documents(draw: st.DrawFn) -> dict[str, Any]:
    document = {"input": draw(stored_requests), "status": draw(stored_statuses)}
    # Fields that nobody reads.
    document |= draw(st.dictionaries(st.sampled_from(["note", "extra"]), stored_values, max_size=1))
    if draw(st.integers(0, 9)) == 0:
        del document[draw(st.sampled_from(["input", "status"]))]
    return document


#: Whole documents, as Firestore's REST interface writes their fields.
documents = _documents().map(lambda it: {name: value(v) for name, v in it.items()})


def size_of(fields: Mapping[str, Any]) -> int:
    """Bytes of the fields as they are sent; at most these many are stored."""
    return len(json.dumps(fields))
