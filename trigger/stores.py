"""Where the files lie, as the deployment's environment says: the worker's variables too."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import WrongSetting

STORE_VARIABLE = "EMBERFRAME_STORE"
FIREBASE = "firebase"
S3 = "s3"
BUCKET_VARIABLE = "EMBERFRAME_S3_BUCKET"
PATH_STYLE_VARIABLE = "EMBERFRAME_S3_PATH_STYLE"
#: As the worker's settings take them.
_SWITCH = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class S3Place:
    """One bucket of an S3-compatible store."""

    bucket: str
    #: None: Amazon's, or as boto's own variables say.
    endpoint: str | None
    #: None: as boto's own variables say.
    region: str | None
    #: The bucket's name stands in the path rather than before the host's.
    path_style: bool


def s3_from(environment: Mapping[str, str]) -> S3Place | None:
    """None when the files lie in Firebase Storage. A variable that is set to nothing is not set.

    Raises `WrongSetting`.
    """
    store = environment.get(STORE_VARIABLE) or FIREBASE
    if store not in (FIREBASE, S3):
        raise WrongSetting(f"{STORE_VARIABLE} is {store!r}; it must be {FIREBASE} or {S3}")
    if store == FIREBASE:
        return None
    bucket = environment.get(BUCKET_VARIABLE)
    if not bucket:
        raise WrongSetting(
            f"{BUCKET_VARIABLE} is not set; with {STORE_VARIABLE}={S3} it must name the bucket"
        )
    path_style = (environment.get(PATH_STYLE_VARIABLE) or "false").lower()
    if path_style not in _SWITCH:
        raise WrongSetting(f"{PATH_STYLE_VARIABLE} is {path_style!r}; it must be true or false")
    return S3Place(
        bucket=bucket,
        endpoint=environment.get("EMBERFRAME_S3_ENDPOINT") or None,
        region=environment.get("EMBERFRAME_S3_REGION") or None,
        path_style=_SWITCH[path_style],
    )
