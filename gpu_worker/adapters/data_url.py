"""Reads the bytes in a base64 data URL, bounded before anything is decoded."""

import base64
import binascii
import re

from shared.errors import InvalidInput

#: As in the contract for a data URL.
MAX_DATA_URL_BYTES = 10_000_000
#: Base64 has four characters for three bytes; the rest is for line breaks and the beginning.
MAX_DATA_URL_CHARACTERS = MAX_DATA_URL_BYTES * 3 // 2
_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]+;base64,(.*)", re.IGNORECASE | re.DOTALL)


def read_data_url(url: str, field: str) -> bytes:
    """`field` names the request's field in errors. Raises `InvalidInput`."""
    if len(url) > MAX_DATA_URL_CHARACTERS:
        raise too_large(field, MAX_DATA_URL_BYTES)
    found = _DATA_URL.fullmatch(url)
    if found is None:
        raise InvalidInput(
            f"{field} is a data URL of another form; it must be data:image/png;base64,… "
            "(or jpeg, webp)."
        )
    try:
        data = base64.b64decode(re.sub(r"\s", "", found[1]), validate=True)
    except (binascii.Error, ValueError):  # characters beyond ASCII are a ValueError
        raise InvalidInput(
            f"{field} is a damaged data URL; what follows its comma must be base64."
        ) from None
    if len(data) > MAX_DATA_URL_BYTES:
        raise too_large(field, MAX_DATA_URL_BYTES)
    return data


def too_large(field: str, bound: int) -> InvalidInput:
    """`bound` is in bytes."""
    return InvalidInput(f"{field} is too large; it must be a file of at most {bound // 10**6} MB.")
