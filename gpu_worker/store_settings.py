"""Where an operator has the files stored, and how long their addresses are good."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gpu_worker.setting_forms import Address, RegionName, S3BucketName, StoreAddress
from shared.s3_answers import MAX_URL_SECONDS


class StoreKind(StrEnum):
    """Which object store."""

    #: Google Cloud Storage, whose Firebase name it is.
    FIREBASE = "firebase"
    #: Amazon S3, or what speaks its protocol.
    S3 = "s3"


class StoreSettings(BaseSettings):
    """Environment variables are `EMBERFRAME_` + the upper-case name, unless an alias says other.

    S3's credentials are found by boto's own chain.
    """

    model_config = SettingsConfigDict(
        env_prefix="EMBERFRAME_",
        # `NAME=` in a compose file or a manifest means "not set".
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
    )

    store: StoreKind = StoreKind.FIREBASE
    #: Life of a file's address. Not set: of Firebase's, for ever; of S3's, the longest there is.
    url_seconds: Annotated[int | None, Field(ge=1, le=MAX_URL_SECONDS)] = None
    s3_bucket: S3BucketName | None = None
    #: Of a store that is not Amazon's.
    s3_endpoint: StoreAddress | None = None
    #: The address that phones know it by, where the worker uses another.
    s3_public_endpoint: StoreAddress | None = None
    #: The bucket's; as boto's own variables say when not set.
    s3_region: RegionName | None = None
    #: The bucket's name stands in the path of addresses rather than before the host's.
    s3_path_style: bool = False
    #: Read here too: what comes from a test must not be written to production.
    firestore_emulator: Annotated[
        Address | None, Field(validation_alias="FIRESTORE_EMULATOR_HOST")
    ] = None

    @model_validator(mode="after")
    def _s3_is_whole(self) -> Self:
        if self.store is not StoreKind.S3:
            return self
        if self.s3_bucket is None:
            raise ValueError(
                "EMBERFRAME_S3_BUCKET is not set: with EMBERFRAME_STORE=s3 it must name the bucket"
            )
        if self.firestore_emulator is not None and self.s3_endpoint is None:
            raise ValueError(
                f"FIRESTORE_EMULATOR_HOST is {self.firestore_emulator!r}, without "
                "EMBERFRAME_S3_ENDPOINT: with emulators it must say which S3 server is meant"
            )
        return self

    @property
    def s3_bucket_name(self) -> str:
        """Empty when the store is another."""
        return self.s3_bucket or ""
