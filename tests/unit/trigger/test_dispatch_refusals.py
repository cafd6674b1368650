"""A service that takes no job: what becomes of the document."""

import logging

import pytest

from shared.ports import Rejected, TooLarge, Unavailable
from shared.serverless import Misconfigured
from tests.unit.trigger.dispatching import QUEUED, Refusing, World, claim
from tests.unit.trigger.meddling import PATH
from trigger.dispatch import Outcome


class TestRefusals:
    def test_a_request_that_is_too_large_fails_with_a_sentence(self) -> None:
        world = World(QUEUED)
        assert world.dispatch(Refusing(TooLarge("10000001"))).outcome is Outcome.FAILED
        error = world.document["error"]
        assert (error["code"], error["retryable"]) == ("invalid_input", False)
        assert error["message"].startswith("input takes more than 10 MB on its way to a worker")

    def test_a_request_that_the_service_refuses_fails_with_a_sentence_and_a_line_in_the_log(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        world = World(QUEUED)
        refusal = Rejected("RunPod does not take this request: HTTP 400")
        assert world.dispatch(Refusing(refusal)).outcome is Outcome.FAILED
        error = world.document["error"]
        assert (error["code"], error["retryable"]) == ("unsupported_task", False)
        (record,) = caplog.records
        assert record.levelno == logging.ERROR
        assert vars(record)["fields"] == {"generation": PATH, "reason": str(refusal)}

    @pytest.mark.parametrize("error", [Unavailable("RunPod"), Misconfigured("the key")])
    def test_a_service_that_is_away_or_shut_leaves_the_document_as_it_is(
        self, error: Exception
    ) -> None:
        world = World(QUEUED)
        with pytest.raises(type(error)):
            world.dispatch(Refusing(error))
        assert world.document == QUEUED

    def test_a_refusal_gives_way_to_whoever_claimed_it_meanwhile(self) -> None:
        world = World(QUEUED, claim)
        assert world.dispatch(Refusing(Rejected("HTTP 400"))).outcome is Outcome.LET_BE
        assert world.document["status"] == "processing"
