"""Whatever comes, parsing answers with a request or with a sentence."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.parse import parse_request
from shared.request import (
    MODELS,
    TaskType,
)
from tests.unit.shared.request_table import LEAST, TABLE, refusal_of, sentence

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
ANY = JSON | st.binary(max_size=8) | st.datetimes() | st.sampled_from(list(TaskType))
NAMES = sorted({name for model in MODELS.values() for name in model.model_fields})


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=10), ANY, max_size=8) | ANY)
def test_whatever_comes_is_a_request_or_a_sentence_that_can_be_stored(raw: Any) -> None:
    said = refusal_of(raw)
    if said is not None:
        assert said[-1] in ".?"
        assert len(said) < 4000
        said.encode()


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(list(TaskType)),
    st.data(),
)
def test_one_wrong_field_is_the_one_that_is_named(task: TaskType, data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(sorted(TABLE[task])))
    value = data.draw(st.sampled_from(TABLE[task][field][2]))
    assert sentence({**LEAST[task], field: value}).startswith(f"{field} is ")


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(TaskType)), st.data())
def test_what_was_read_reads_the_same_again(task: TaskType, data: st.DataObject) -> None:
    fields = data.draw(st.sets(st.sampled_from(sorted(TABLE[task])), max_size=5))
    drawn = {field: data.draw(st.sampled_from(TABLE[task][field][1])) for field in fields}
    request = parse_request({**LEAST[task], **drawn})
    assert parse_request(request.model_dump(mode="json")) == request
