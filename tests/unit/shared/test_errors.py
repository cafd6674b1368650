"""Errors: a stable code, a sentence, and whether another attempt may help."""

import pytest

from shared.errors import (
    RETRYABLE,
    ErrorCode,
    GenerationError,
    InvalidInput,
    attempts_exhausted,
)

#: The public contract: apps compare with these.
CODES = {
    "invalid_input": False,
    "content_rejected": False,
    "quota_exceeded": False,
    "unsupported_task": False,
    "input_unavailable": False,
    "out_of_memory": False,
    "engine_crashed": True,
    "worker_lost": True,
    "timed_out": False,
    "service_unavailable": True,
    "attempts_exhausted": False,
    "internal": True,
}


def test_the_codes_are_those_that_apps_know() -> None:
    assert {code.value: code in RETRYABLE for code in ErrorCode} == CODES


@pytest.mark.parametrize("code", list(ErrorCode))
def test_an_error_becomes_the_documents_field(code: ErrorCode) -> None:
    assert GenerationError(code, "Why.").to_document() == {
        "code": code.value,
        "message": "Why.",
        "retryable": CODES[code.value],
    }


def test_invalid_input_is_never_tried_again() -> None:
    assert InvalidInput("No.").retryable is False


@pytest.mark.parametrize("last", [None, {}, {"message": "It fell."}, {"message": 5}])
def test_an_exhausted_generation_says_how_often_and_why(last: dict[str, object] | None) -> None:
    error = attempts_exhausted(3, last)
    reason = (last or {}).get("message", "The worker stopped without giving a reason.")
    assert error.message == (
        f"The generation was tried 3 times and failed each time. Last reason: {reason}"
    )
