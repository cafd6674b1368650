"""What a setting's value may look like: types that refuse anything else with half a sentence.

Each error text goes on after "NAME is 'value': ". Names follow the rules that Google publishes for
them; whether what they name exists, only Google can say.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from gpu_worker.engine.batching import ALONE, AUTO, MOST_ROWS
from gpu_worker.engine.checking_spec import AUTO_CHECK, CONFIG_FILE, IMAGE_CHECKS, NO_CHECK
from gpu_worker.engine.specs import FILM_SPECS, INDEX_FILE, NO_MODEL, PICTURE_SPECS
from shared.blocked_terms import BlockedTerms

HIGHEST_PORT = 65_535
#: Labels of letters, digits and hyphens; the last begins with a letter, so no IP address is one.
_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)\.?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_HOST_AND_PORT = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")


def like(pattern: str, allowed: str) -> Callable[[str], str]:
    """A check that the whole value is like `pattern`, which `allowed` says in words."""
    form = re.compile(pattern)

    def check(value: str) -> str:
        if form.fullmatch(value) is None:
            raise ValueError(f"it must be {allowed}")
        return value

    return check


def _one_of(*allowed: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"it must be one of {', '.join(allowed)}")
        return value

    return check


def _folder_with(file: str, of: str) -> Callable[[Path], Path]:
    def check(value: Path) -> Path:
        try:
            found = (value / file).is_file()
        except OSError:  # no permission to look
            found = False
        if not found:
            raise ValueError(f"it must be the folder of a {of} checkpoint, with its {file}")
        return value

    return check


def _terms(value: str) -> str:
    BlockedTerms.parse(value)
    return value


def _address(value: str) -> str:
    if not _is_address(value):
        raise ValueError(f"it must be host:port, with a port from 1 to {HIGHEST_PORT}")
    return value


def _web_address(value: str) -> str:
    scheme, _, rest = value.partition("://")
    if scheme not in ("http", "https") or not _is_address(rest):
        raise ValueError(f"it must be http://host:port, with a port from 1 to {HIGHEST_PORT}")
    return value


def _store_address(value: str) -> str:
    scheme, _, rest = value.partition("://")
    host = rest if ":" in rest.rpartition("]")[2] else f"{rest}:443"
    if scheme not in ("http", "https") or not _is_address(host):
        raise ValueError("it must be https://host or https://host:port, without a path")
    return value


def _host_names(value: str | tuple[str, ...]) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else value
    names = tuple(it.strip().lower() for it in given if it.strip())
    wrong = [name for name in names if _HOST_NAME.fullmatch(name) is None]
    if wrong:
        raise ValueError(
            f"{wrong[0]!r} in it must be a host's name (photos.example.com), or with a leading dot "
            "all hosts below one (.example.com): no scheme, port, path, star or IP address"
        )
    return names


def _is_address(value: str) -> bool:
    found = _HOST_AND_PORT.fullmatch(value)
    return found is not None and 1 <= int(found[1]) <= HIGHEST_PORT


def _batch_rows(value: str | int | None) -> int | None:
    if value in (AUTO, None):
        return None
    if value == "off":
        return ALONE
    if str(value).isdecimal() and ALONE <= int(value) <= MOST_ROWS:
        return int(value)
    raise ValueError(f"it must be {AUTO}, off or a number of pictures from 1 to {MOST_ROWS}")


#: None is AUTO.
BatchRows = Annotated[int | None, BeforeValidator(_batch_rows)]
ProjectId = Annotated[
    str,
    AfterValidator(
        like(
            r"[a-z][a-z0-9-]{4,28}[a-z0-9]",
            "a project's id: 6 to 30 lower-case letters, digits or hyphens, beginning with a "
            "letter and not ending with a hyphen",
        )
    ),
]
BucketName = Annotated[
    str,
    AfterValidator(
        like(
            r"(?=.{3,222}\Z)(?!goog)(?!(?:[0-9]+\.){3}[0-9]+\Z)"
            r"(?![_-])[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*(?<![_-])",
            "a bucket's name without gs://: 3 to 63 lower-case letters, digits, - or _ (more in "
            "parts of 63, with dots between), beginning and ending with a letter or digit, not "
            "with goog, and no IP address",
        )
    ),
]
S3BucketName = Annotated[
    str,
    AfterValidator(
        like(
            r"(?!(?:[0-9]+\.){3}[0-9]+\Z)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
            "a bucket's name without s3://: 3 to 63 lower-case letters, digits, hyphens or dots, "
            "beginning and ending with a letter or digit, and no IP address",
        )
    ),
]
RegionName = Annotated[
    str,
    AfterValidator(
        like(
            r"(?![0-9]+\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
            "a region's name: lower-case letters, digits and hyphens, such as eu-central-1",
        )
    ),
]
SubscriptionName = Annotated[
    str,
    AfterValidator(
        like(
            r"(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}",
            "a subscription's name without its project: 3 to 255 letters, digits or - . _ ~ + %, "
            "beginning with a letter and not with goog",
        )
    ),
]
TermList = Annotated[str, AfterValidator(_terms)]
ModelName = Annotated[str, AfterValidator(_one_of(*PICTURE_SPECS, NO_MODEL))]
FilmModelName = Annotated[str, AfterValidator(_one_of(*FILM_SPECS, NO_MODEL))]
CheckpointFolder = Annotated[Path, AfterValidator(_folder_with(INDEX_FILE, "diffusers"))]
CheckName = Annotated[str, AfterValidator(_one_of(AUTO_CHECK, *IMAGE_CHECKS, NO_CHECK))]
TransformersFolder = Annotated[Path, AfterValidator(_folder_with(CONFIG_FILE, "transformers"))]
Address = Annotated[str, AfterValidator(_address)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
StoreAddress = Annotated[str, AfterValidator(_store_address)]
#: With commas between them in the environment.
HostNames = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_host_names)]
