"""What a worker finds out about an S3 store before it loads a model."""

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from gpu_worker.adapters.s3_probe import PROBE_NAME, S3Probe
from gpu_worker.store_settings import StoreSettings
from gpu_worker.store_trial import try_store
from gpu_worker.stores import StoreFault
from shared.paths import ObjectName
from tests.contract.object_stores import BUCKET
from tests.contract.s3.faulty_s3 import Fault, FaultyS3, Refusal
from tests.contract.s3_server import CREDENTIALS, REGION

SHORT_SECONDS = 0.2


@pytest.fixture(autouse=True)
def new_bucket(s3_client: Any) -> Iterator[None]:
    """The first start of a worker that uses it."""
    s3_client.delete_object(Bucket=BUCKET, Key=PROBE_NAME)
    yield
    s3_client.delete_object(Bucket=BUCKET, Key=PROBE_NAME)


@pytest.fixture
def choice(server: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> StoreSettings:
    for name, value in {
        **CREDENTIALS,
        "EMBERFRAME_STORE": "s3",
        "EMBERFRAME_S3_BUCKET": BUCKET,
        "EMBERFRAME_S3_ENDPOINT": server.address,
        "EMBERFRAME_S3_REGION": REGION,
        "EMBERFRAME_S3_PATH_STYLE": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return StoreSettings()


def test_a_store_that_writes_a_name_once_is_taken_with_two_requests_and_later_with_one(
    server: FaultyS3, choice: StoreSettings
) -> None:
    try_store(choice)
    assert [it.method for it in server.asked] == ["PUT", "PUT"]
    try_store(choice)
    assert [it.method for it in server.asked] == ["PUT"] * 3
    assert all(it.headers["if-none-match"] == "*" for it in server.asked)


def test_a_store_that_passes_over_the_condition_is_refused(
    server: FaultyS3, choice: StoreSettings
) -> None:
    server.script = [Fault.NO_CONDITION] * 2
    with pytest.raises(StoreFault, match="EMBERFRAME_S3_BUCKET is 'contract', in a store that "):
        try_store(choice)


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(403, "SignatureDoesNotMatch"),
        Refusal(404, "NoSuchBucket"),
        Refusal(501, "NotImplemented"),
    ],
    ids=lambda it: it.code,
)
def test_a_store_that_refuses_the_worker_is_said_before_a_model_is_loaded(
    server: FaultyS3, choice: StoreSettings, refusal: Refusal
) -> None:
    server.script = [refusal]
    with pytest.raises(StoreFault, match=rf"refuses a write below users/ .* \({refusal.code}\): "):
        try_store(choice)


def test_a_store_that_is_away_is_waited_for_by_the_jobs(
    server: FaultyS3,
    choice: StoreSettings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.script = [Refusal(503, "SlowDown")] * 1000
    monkeypatch.setattr(
        "gpu_worker.adapters.s3_probe.S3Probe", partial(S3Probe, patience_seconds=SHORT_SECONDS)
    )
    with caplog.at_level(logging.WARNING, "gpu_worker.store_trial"):
        try_store(choice)
    assert [it.message for it in caplog.records if it.name == "gpu_worker.store_trial"] == [
        "the object store does not answer yet"
    ]


@pytest.mark.parametrize(("told", "fits"), [(REGION, True), ("us-east-1", False)])
def test_a_region_that_is_not_the_bucket_s_is_refused_since_no_address_would_be_good(
    server: FaultyS3,
    choice: StoreSettings,
    monkeypatch: pytest.MonkeyPatch,
    told: str,
    fits: bool,
) -> None:
    # Boto's own variable: to us, it is Amazon's store.
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.address)
    monkeypatch.delenv("EMBERFRAME_S3_ENDPOINT")
    monkeypatch.setenv("EMBERFRAME_S3_REGION", told)
    if fits:
        try_store(StoreSettings())
        assert server.asked[-1].method == "HEAD"
    else:
        with pytest.raises(StoreFault, match=f"REGION is '{told}': it must be '{REGION}'"):
            try_store(StoreSettings())


def test_a_lost_reply_does_not_make_a_store_look_unfit(
    server: FaultyS3, choice: StoreSettings
) -> None:
    server.script = [Fault.LOST_REPLY]
    try_store(choice)


def test_the_object_that_stays_is_no_generation_s_file() -> None:
    assert ObjectName.parse(PROBE_NAME) is None
