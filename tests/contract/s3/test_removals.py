"""Removing from an S3 store that fails, or does not know the condition of a removal."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gpu_worker.adapters.s3 import S3Objects
from shared.ports import Missing
from tests.contract.s3.faulty_s3 import Fault, FaultyS3, Refusal
from trigger.adapters.s3 import S3Listing

PNG = "image/png"
PICTURE = b"\x89PNG of some kind"

Remove = Callable[[str, Any], None]


@pytest.fixture(params=["worker", "functions"])
def remove(request: pytest.FixtureRequest, objects: S3Objects, files: S3Listing) -> Remove:
    remover: S3Objects | S3Listing = objects if request.param == "worker" else files
    return lambda name, generation: remover.delete(name, generation=generation)


@pytest.fixture
def replaced(direct: S3Objects, name: str) -> Any:
    """The generation of an object in whose place another one stands by now."""
    first = direct.create(name, b"first", content_type=PNG)
    direct.delete(name)
    direct.create(name, b"other", content_type=PNG)
    return first.generation


def test_a_store_that_passes_over_the_condition_of_a_removal_keeps_what_is_another_s(
    server: FaultyS3, remove: Remove, direct: S3Objects, replaced: Any, name: str
) -> None:
    server.script = [Fault.NO_CONDITION] * 2
    remove(name, replaced)
    assert direct.read(name) == b"other"


def test_a_store_that_refuses_the_condition_of_a_removal_still_removes(
    server: FaultyS3, remove: Remove, direct: S3Objects, name: str
) -> None:
    stored = direct.create(name, PICTURE, content_type=PNG)
    server.script = [Fault.NONE, Refusal(501, "NotImplemented")]
    remove(name, stored.generation)
    assert [it.method for it in server.asked] == ["HEAD", "DELETE", "DELETE"]
    assert server.asked[1].headers["if-match"] == stored.generation
    with pytest.raises(Missing):
        direct.read(name)


@pytest.mark.parametrize("refusal", [Refusal(412, "PreconditionFailed"), Refusal(404, "NoSuchKey")])
def test_what_became_another_s_between_the_look_and_the_removal_stays(
    server: FaultyS3, remove: Remove, direct: S3Objects, name: str, refusal: Refusal
) -> None:
    stored = direct.create(name, PICTURE, content_type=PNG)
    server.script = [Fault.NONE, refusal]
    remove(name, stored.generation)
    assert direct.read(name) == PICTURE


def test_a_removal_whose_reply_was_lost_is_done(
    server: FaultyS3, remove: Remove, direct: S3Objects, name: str
) -> None:
    stored = direct.create(name, PICTURE, content_type=PNG)
    server.script = [Fault.NONE, Fault.LOST_REPLY]
    remove(name, stored.generation)
    with pytest.raises(Missing):
        direct.read(name)


@pytest.mark.parametrize("generation", [None, '"0123"'])
def test_a_removal_that_is_not_allowed_is_no_removal(
    server: FaultyS3, remove: Remove, name: str, generation: str | None
) -> None:
    server.script = [Refusal(403, "AccessDenied")]
    with pytest.raises(ClientError):
        remove(name, generation)
