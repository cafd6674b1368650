"""Where the functions look for files, by the deployment's environment."""

import pytest

from shared.errors import WrongSetting
from trigger.adapters.s3 import S3Listing
from trigger.stores import S3Place, s3_from
from trigger.wiring import files_of

S3 = {"EMBERFRAME_STORE": "s3", "EMBERFRAME_S3_BUCKET": "pictures"}
PLACE = S3Place(bucket="pictures", endpoint=None, region=None, path_style=False)


@pytest.mark.parametrize("told", [{}, {"EMBERFRAME_STORE": ""}, {"EMBERFRAME_STORE": "firebase"}])
def test_files_lie_in_firebase_unless_told_otherwise(told: dict[str, str]) -> None:
    assert s3_from({**told, "EMBERFRAME_S3_BUCKET": "unused"}) is None


def test_a_bucket_is_enough_and_what_is_set_to_nothing_is_not_set() -> None:
    assert s3_from(S3) == PLACE
    empty = dict.fromkeys(
        ["EMBERFRAME_S3_ENDPOINT", "EMBERFRAME_S3_REGION", "EMBERFRAME_S3_PATH_STYLE"], ""
    )
    assert s3_from({**S3, **empty}) == PLACE


@pytest.mark.parametrize(
    ("text", "meant"), [("true", True), ("True", True), ("1", True), ("False", False), ("0", False)]
)
def test_every_variable_counts(text: str, meant: bool) -> None:
    others = {
        "EMBERFRAME_S3_ENDPOINT": "https://store.example",
        "EMBERFRAME_S3_REGION": "auto",
        "EMBERFRAME_S3_PATH_STYLE": text,
    }
    assert s3_from({**S3, **others}) == S3Place(
        bucket="pictures", endpoint="https://store.example", region="auto", path_style=meant
    )


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"EMBERFRAME_STORE": "gcs"}, "EMBERFRAME_STORE is 'gcs'; it must be firebase or s3"),
        (
            {"EMBERFRAME_S3_BUCKET": ""},
            "EMBERFRAME_S3_BUCKET is not set; with EMBERFRAME_STORE=s3 it must name the bucket",
        ),
        (
            {"EMBERFRAME_S3_PATH_STYLE": "path"},
            "EMBERFRAME_S3_PATH_STYLE is 'path'; it must be true or false",
        ),
    ],
)
def test_a_wrong_variable_is_named_with_its_value_and_what_it_must_be(
    told: dict[str, str], said: str
) -> None:
    with pytest.raises(WrongSetting, match=said):
        s3_from({**S3, **told})


def test_the_listing_is_s3_s_where_the_files_lie_there() -> None:
    assert isinstance(files_of(S3, "demo-emberframe"), S3Listing)
