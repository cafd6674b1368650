"""The decision on a document that was just created."""

from typing import Any

import pytest

from shared.admission import Admission
from shared.blocked_terms import BlockedTerms
from shared.kinds import kind_of
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC
from shared.ports import SERVER_TIME
from shared.request import TaskType
from shared.status import ALLOWED, Status
from trigger.acceptance import TOPICS, Accept, Cancel, LeaveAlone, Refuse, decide_acceptance

PATH = "users/ann/generations/g1"
GOOD: dict[str, Any] = {"input": {"prompt": "a red circle"}, "status": "pending"}


def decide(
    current: dict[str, Any], *, created: dict[str, Any] | None = None, path: str = PATH
) -> Accept | Refuse | Cancel | LeaveAlone:
    return decide_acceptance(path, created=current if created is None else created, current=current)


def refusal(current: dict[str, Any], **given: Any) -> str:
    """The sentence of the refusal, after checking that it is one."""
    decision = decide(current, **given)
    assert isinstance(decision, Refuse)
    assert decision.changes["status"] == "failed"
    assert decision.changes["completed_at"] is SERVER_TIME
    error = decision.changes["error"]
    assert (error["code"], error["retryable"]) == ("invalid_input", False)
    message: str = error["message"]
    return message


@pytest.mark.parametrize(
    ("given", "topic"),
    [
        ({"prompt": "x"}, IMAGE_TOPIC),
        ({"task_type": "text2img", "prompt": "x"}, IMAGE_TOPIC),
        ({"task_type": "img2img", "image_url": "https://a/b.png"}, IMAGE_TOPIC),
        ({"image_url": "https://a/b.png", "mask_url": "https://a/m.png"}, IMAGE_TOPIC),
        ({"task_type": "text2video", "prompt": "x"}, VIDEO_TOPIC),
    ],
)
def test_a_good_request_goes_to_the_topic_of_its_task(given: dict[str, Any], topic: str) -> None:
    decision = decide({**GOOD, "input": given})
    assert isinstance(decision, Accept)
    assert decision.topic == topic
    assert topic == f"generate-{decision.kind}"
    assert str(decision.message.path) == PATH
    assert decision.changes == {
        "status": "queued",
        "kind": decision.kind.value,
        "queued_at": SERVER_TIME,
        "sweep_after": SERVER_TIME,
        "updated_at": SERVER_TIME,
    }


def test_every_task_has_a_topic() -> None:
    assert {TOPICS[kind_of(task)] for task in TaskType} == {IMAGE_TOPIC, VIDEO_TOPIC}


def test_a_bad_request_is_refused_with_its_sentence() -> None:
    assert refusal({**GOOD, "input": {"prompt": ""}}).startswith('prompt is ""; it must be')


def test_a_document_without_an_input_is_refused() -> None:
    assert refusal({"status": "pending"}).startswith("input is null; it must be an object")


def test_the_deployment_bounds_the_number_of_pictures() -> None:
    current = {**GOOD, "input": {"prompt": "x", "num_images": 4}}
    assert "from 1 to 2" in refusal(current)
    allowed = decide_acceptance(
        PATH, created=current, current=current, admission=Admission(max_images=4)
    )
    assert isinstance(allowed, Accept)


def test_a_prompt_with_blocked_words_is_refused_and_a_negative_prompt_is_not() -> None:
    admission = Admission(prompts=BlockedTerms.of(["green"]))

    def decided(given: dict[str, str]) -> Any:
        current = {**GOOD, "input": given}
        return decide_acceptance(PATH, created=current, current=current, admission=admission)

    refused = decided({"prompt": "a green hill"})
    assert isinstance(refused, Refuse)
    assert refused.changes["status"] == "failed"
    assert refused.changes["error"]["code"] == "content_rejected"
    assert isinstance(decided({"prompt": "a hill", "negative_prompt": "green"}), Accept)


@pytest.mark.parametrize("prompt", ["a gr()een hill", "a gr(x)0(een) hill", "a (gr)(een) hill"])
def test_a_word_that_the_syntax_of_weights_splits_is_refused_where_it_is_read(prompt: str) -> None:
    admission = Admission(prompts=BlockedTerms.of(["green"]))
    for weighting, decision in ((True, Refuse), (False, Accept)):
        current = {**GOOD, "input": {"prompt": prompt, "prompt_weighting": weighting}}
        decided = decide_acceptance(PATH, created=current, current=current, admission=admission)
        assert isinstance(decided, decision)


def test_a_request_may_name_the_user_and_id_of_its_path() -> None:
    given = {"prompt": "x", "user_id": "ann", "file_uid": "g1"}
    assert isinstance(decide({**GOOD, "input": given}), Accept)


@pytest.mark.parametrize("field", ["user_id", "file_uid"])
@pytest.mark.parametrize("value", ["bob", "", "ANN", "g2"])
def test_a_request_in_the_name_of_somebody_else_is_refused(field: str, value: str) -> None:
    sentence = refusal({**GOOD, "input": {"prompt": "x", field: value}})
    assert sentence.startswith(f'{field} is "{value}"; it must be left out or be ')


def test_a_cancelled_document_is_not_started_even_if_its_request_is_bad() -> None:
    decision = decide({"input": None, "status": "pending", "cancel_requested": True})
    assert isinstance(decision, Cancel)
    assert decision.changes["status"] == "cancelled"


@pytest.mark.parametrize("status", ["queued", "processing", "completed", "failed", "cancelled"])
def test_a_second_event_leaves_what_went_on_alone(status: str) -> None:
    assert isinstance(decide({**GOOD, "status": status}, created=GOOD), LeaveAlone)


@pytest.mark.parametrize("status", [status for status in Status if not status.terminal])
@pytest.mark.parametrize("made", ["queued", "processing", "failed", None, 7, "zzz"])
def test_a_document_that_was_not_created_pending_is_refused_where_it_has_not_ended(
    status: Status, made: object
) -> None:
    sentence = refusal({**GOOD, "status": status.value}, created={**GOOD, "status": made})
    assert sentence == (
        f"status was {str(made)!r} when the document was created; it must be 'pending'."
    )


@pytest.mark.parametrize("status", [status for status in Status if status.terminal])
def test_a_document_that_was_created_finished_stays_as_it_is(status: Status) -> None:
    assert isinstance(decide({**GOOD, "status": status.value}), LeaveAlone)


@pytest.mark.parametrize("status", [None, "", "zzz", 7, True, ["pending"], {"a": 1}, 1.5])
def test_a_status_that_is_none_of_ours_is_refused(status: object) -> None:
    sentence = refusal({**GOOD, "status": status})
    assert sentence.startswith("status is ")
    assert sentence.endswith("a new generation's must be 'pending'.")


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("users/ann/generations/with space", "file_uid"),
        ("users/.ann/generations/g1", "user_id"),
        ("users/ann/other/g1", "users/{uid}/generations/{generation_id}"),
    ],
)
def test_a_document_under_an_id_that_is_not_safe_is_refused(path: str, named: str) -> None:
    assert named in refusal(GOOD, path=path)


def test_a_finished_document_under_an_id_that_is_not_safe_does_not_end_twice() -> None:
    path = "users/ann/generations/with space"
    assert isinstance(decide({**GOOD, "status": "failed"}, path=path), LeaveAlone)


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("cancel", [True, False])
@pytest.mark.parametrize("given", [{"prompt": "x"}, {}])
def test_whatever_is_decided_the_status_table_allows(
    status: Status, cancel: bool, given: dict[str, Any]
) -> None:
    decision = decide({"input": given, "status": status.value, "cancel_requested": cancel})
    if not isinstance(decision, LeaveAlone):
        assert decision.changes["status"] in ALLOWED[status]
