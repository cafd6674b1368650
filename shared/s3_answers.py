"""What an S3-compatible store means by its refusals, and which words both halves use with it.

Pure: an answer is the `response` of botocore's `ClientError`. HTTP's status decides, since stores
agree on it more than on S3's codes; codes only where one status means two things.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

#: Objects carry the SHA-256 of their bytes, in hex, as metadata of this name. The ETag is no
#: checksum where a store encrypts with its user's keys.
SHA256_KEY = "emberframe-sha256"
#: S3's own bound on the life of a presigned URL, and Google's.
MAX_URL_SECONDS = 7 * 24 * 3600
_PASSING_STATUSES = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        # Another write to the same name is under way.
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
#: Of status 400. The first two: what arrived is not what was sent.
_PASSING_CODES = frozenset({"BadDigest", "XAmzContentSHA256Mismatch", "RequestTimeout"})

Answer = Mapping[str, Any]


def passes(answer: Answer) -> bool:
    """Whether another try may be answered otherwise."""
    status = _status(answer)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return status != HTTPStatus.NOT_IMPLEMENTED
    return status in _PASSING_STATUSES or _code(answer) in _PASSING_CODES


def is_missing(answer: Answer) -> bool:
    """There is no such object, or no such bucket."""
    return _status(answer) == HTTPStatus.NOT_FOUND


def is_other(answer: Answer) -> bool:
    """The condition does not hold: the name is taken, or by another object than was expected."""
    return _status(answer) == HTTPStatus.PRECONDITION_FAILED


def is_beyond_the_end(answer: Answer) -> bool:
    """The object has no byte of the range that was asked for."""
    return _status(answer) == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


def is_lacking(answer: Answer) -> bool:
    """The store does not know something in the request."""
    return _status(answer) == HTTPStatus.NOT_IMPLEMENTED


def is_bad_request(answer: Answer) -> bool:
    return _status(answer) == HTTPStatus.BAD_REQUEST


def _status(answer: Answer) -> int:
    status: int = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status


def _code(answer: Answer) -> str:
    return str(answer.get("Error", {}).get("Code", ""))
