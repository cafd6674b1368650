"""Which values the settings of the store take."""

import pytest
from pydantic import ValidationError

from gpu_worker.store_settings import StoreSettings

STORE_ADDRESSES = [
    "https://s3.example.com",
    "http://minio:9000",
    "https://[::1]:9000",
    "http://[::1]",
]
WRONG_STORE_ADDRESSES = [
    *("s3.example.com", "https://", "https://s3.example.com/", "https://s3.example.com/bucket"),
    *("https://s3.example.com:0", "ftp://s3.example.com", "https://a b", "https://user@s3.example"),
    "https://s3.example.com\n",
]
S3_BUCKETS = ["abc", "my.pictures-1", "a" * 63]
WRONG_S3_BUCKETS = ["ab", "a" * 64, "Pictures", "my_pictures", "a..b", "-ab", "ab-", "10.0.0.1"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("S3_ENDPOINT", it) for it in STORE_ADDRESSES),
        *(("S3_PUBLIC_ENDPOINT", it) for it in STORE_ADDRESSES),
        *(("S3_BUCKET", it) for it in S3_BUCKETS),
        *(("S3_REGION", it) for it in ("eu-central-1", "auto", "x")),
        *(("URL_SECONDS", it) for it in ("1", "604800")),
    ],
)
def test_a_value_of_the_right_form_is_taken(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(f"EMBERFRAME_{name}", value)
    assert str(getattr(StoreSettings(), name.lower())) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("S3_ENDPOINT", it) for it in WRONG_STORE_ADDRESSES),
        *(("S3_PUBLIC_ENDPOINT", it) for it in WRONG_STORE_ADDRESSES),
        *(("S3_BUCKET", it) for it in WRONG_S3_BUCKETS),
        *(("S3_REGION", it) for it in ("eu central", "EU-CENTRAL-1", "1", "-eu", "eu.central")),
        *(("URL_SECONDS", it) for it in ("0", "-1", "604801", "1.5", "week")),
    ],
)
def test_a_value_of_another_form_is_refused(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(f"EMBERFRAME_{name}", value)
    with pytest.raises(ValidationError):
        StoreSettings()
