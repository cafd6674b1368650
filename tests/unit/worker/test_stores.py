"""Which store a worker opens by its settings, and which it refuses to start with."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gpu_worker.__main__ import main
from gpu_worker.adapters.s3 import S3Objects
from gpu_worker.adapters.storage import FirebaseStorage
from gpu_worker.image_addresses import ServedAddresses
from gpu_worker.settings import Settings
from gpu_worker.store_settings import StoreKind, StoreSettings
from gpu_worker.stores import Store, StoreFault, check_store, open_store

EMULATORS = {
    "FIRESTORE_EMULATOR_HOST": "127.0.0.1:8080",
    "PUBSUB_EMULATOR_HOST": "127.0.0.1:8085",
    "STORAGE_EMULATOR_HOST": "http://127.0.0.1:9199",
}
S3 = {
    "EMBERFRAME_STORE": "s3",
    "EMBERFRAME_S3_BUCKET": "pictures",
    "EMBERFRAME_S3_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
}
WEEK = 604_800


@pytest.fixture
def alone(environment: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine without credentials of any kind, of which none is asked of a cloud."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"):
        environment.delenv(name, raising=False)
    environment.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    environment.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return environment


def opened(environment: pytest.MonkeyPatch, **variables: str) -> Store:
    for name, value in variables.items():
        environment.setenv(name, value)
    settings, choice = Settings(), StoreSettings()
    check_store(settings, choice)
    return open_store(settings, choice)


def refusal(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **variables: str
) -> str:
    """What `pull` says before it ends with 2."""
    for name, value in {**EMULATORS, **variables}.items():
        environment.setenv(name, value)
    environment.setattr("sys.argv", ["gpu_worker", "pull"])
    assert main() == 2
    return capsys.readouterr().err


def test_firebase_s_bucket_is_the_default(alone: pytest.MonkeyPatch) -> None:
    store = opened(alone, **EMULATORS)
    assert isinstance(store.objects, FirebaseStorage)
    assert store.served == ServedAddresses(
        bucket="demo-emberframe.firebasestorage.app", download_host="http://127.0.0.1:9199"
    )


def test_every_setting_of_the_store_is_read_from_the_environment(
    alone: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        **S3,
        "EMBERFRAME_URL_SECONDS": "60",
        "EMBERFRAME_S3_ENDPOINT": "http://minio:9000",
        "EMBERFRAME_S3_PUBLIC_ENDPOINT": "https://files.example.com",
        "EMBERFRAME_S3_PATH_STYLE": "true",
        "FIRESTORE_EMULATOR_HOST": "127.0.0.1:8080",
    }.items():
        alone.setenv(name, value)
    assert StoreSettings().model_dump() == {
        "store": StoreKind.S3,
        "url_seconds": 60,
        "s3_bucket": "pictures",
        "s3_endpoint": "http://minio:9000",
        "s3_public_endpoint": "https://files.example.com",
        "s3_region": "eu-central-1",
        "s3_path_style": True,
        "firestore_emulator": "127.0.0.1:8080",
    }


@pytest.mark.parametrize(
    ("variables", "base"),
    [
        ({}, "https://pictures.s3.eu-central-1.amazonaws.com/"),
        ({"EMBERFRAME_S3_PATH_STYLE": "true"}, "https://s3.eu-central-1.amazonaws.com/pictures/"),
        (
            {"EMBERFRAME_S3_ENDPOINT": "https://me.r2.example", "EMBERFRAME_S3_REGION": "auto"},
            "https://pictures.me.r2.example/",
        ),
        (
            {
                "EMBERFRAME_S3_ENDPOINT": "http://minio:9000",
                "EMBERFRAME_S3_PUBLIC_ENDPOINT": "https://files.example.com",
                "EMBERFRAME_S3_PATH_STYLE": "true",
            },
            "https://files.example.com/pictures/",
        ),
    ],
)
def test_an_own_file_in_s3_is_known_by_the_address_that_phones_are_given(
    alone: pytest.MonkeyPatch, variables: dict[str, str], base: str
) -> None:
    store = opened(alone, EMBERFRAME_IMAGE_HOSTS="a.example", **{**S3, **variables})
    assert isinstance(store.objects, S3Objects)
    assert store.served == ServedAddresses(
        bucket="pictures", scheme="s3", signed_base=base, hosts=("a.example",)
    )


@pytest.mark.parametrize(("seconds", "life"), [({}, WEEK), ({"EMBERFRAME_URL_SECONDS": "9"}, 9)])
def test_addresses_in_s3_are_good_as_long_as_is_set_and_else_as_long_as_can_be(
    alone: pytest.MonkeyPatch, seconds: dict[str, str], life: int
) -> None:
    store = opened(alone, **S3, **seconds)
    assert isinstance(store.objects, S3Objects)
    url = store.objects._url("users/ann/a.png")
    assert f"X-Amz-Expires={life}&" in urlsplit(url).query


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = tmp_path / "key.json"
    file.write_text(
        json.dumps(
            {
                "type": "service_account",
                "client_email": "worker@demo-emberframe.example",
                "private_key": pem.decode(),
                "token_uri": "https://tokens.example",
            }
        )
    )
    return file


def test_google_s_addresses_are_signed_where_a_life_is_set_and_phones_uploads_are_known_too(
    alone: pytest.MonkeyPatch, key_file: Path
) -> None:
    store = opened(
        alone,
        GOOGLE_APPLICATION_CREDENTIALS=str(key_file),
        EMBERFRAME_URL_SECONDS="60",
        EMBERFRAME_BUCKET="pictures",
    )
    assert isinstance(store.objects, FirebaseStorage)
    assert store.served == ServedAddresses(
        bucket="pictures",
        download_host="https://firebasestorage.googleapis.com",
        signed_base="https://storage.googleapis.com/pictures/",
    )


def test_an_address_for_a_time_needs_a_key_that_signs(
    alone: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(alone, capsys, EMBERFRAME_URL_SECONDS="60")
    assert said.startswith("EMBERFRAME_URL_SECONDS is 60, and there is no key to sign addresses ")
    assert said.count("\n") == 1


def test_credentials_that_cannot_sign_are_refused_before_the_model_is_loaded(
    alone: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "user.json"
    file.write_text(
        '{"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}'
    )
    alone.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    alone.setenv("EMBERFRAME_URL_SECONDS", "60")
    with pytest.raises(StoreFault, match="no key to sign addresses with"):
        check_store(Settings(), StoreSettings())


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"EMBERFRAME_STORE": "gcs"},
            "EMBERFRAME_STORE is 'gcs': Input should be 'firebase' or 's3'",
        ),
        (
            {"EMBERFRAME_STORE": "s3"},
            "EMBERFRAME_S3_BUCKET is not set: with EMBERFRAME_STORE=s3 it must name the bucket",
        ),
        (
            S3,
            (
                "FIRESTORE_EMULATOR_HOST is '127.0.0.1:8080', without EMBERFRAME_S3_ENDPOINT: with "
                "emulators it must say which S3 server is meant"
            ),
        ),
        (
            {"EMBERFRAME_URL_SECONDS": "604801"},
            "EMBERFRAME_URL_SECONDS is '604801': Input should be less than or equal to 604800",
        ),
        (
            {"EMBERFRAME_S3_BUCKET": "s3://pictures"},
            "EMBERFRAME_S3_BUCKET is 's3://pictures': it must be a bucket's name without s3://: ",
        ),
        (
            {"EMBERFRAME_S3_ENDPOINT": "minio:9000"},
            "EMBERFRAME_S3_ENDPOINT is 'minio:9000': it must be https://host or https://host:port",
        ),
    ],
)
def test_a_wrong_setting_of_the_store_ends_the_worker_with_a_sentence(
    alone: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    said: str,
) -> None:
    assert refusal(alone, capsys, **variables).startswith(said)


def test_a_worker_without_credentials_for_s3_is_refused(
    alone: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = {name: value for name, value in S3.items() if not name.startswith("AWS_")}
    said = refusal(alone, capsys, **own, EMBERFRAME_S3_ENDPOINT="https://store.example")
    assert said.startswith("there are no S3 credentials: AWS_ACCESS_KEY_ID and ")
    assert said.count("\n") == 1


def test_amazon_s_store_without_a_region_is_refused(alone: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreFault, match="EMBERFRAME_S3_REGION is not set"):
        opened(alone, **{name: value for name, value in S3.items() if "REGION" not in name})


def test_what_boto_cannot_read_is_said_without_its_words(
    alone: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\nsecret")
    with pytest.raises(StoreFault, match="boto's configuration cannot be read: ") as fault:
        opened(alone, **S3)
    assert "secret" not in str(fault.value)
