"""Asks for Google credentials at the start: their lack is a sentence then, and no traceback."""

import os

import google.auth

VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"


class NoCredentials(Exception):
    """There are none that can be used; the text says so to the operator."""


def check_credentials() -> None:
    """Find the environment's credentials, as each of Google's clients will. Raises `NoCredentials`.

    Reads files and, on a cloud's machine, asks its metadata service. Whether the credentials found
    allow what the worker does, only the services can say.
    """
    try:
        google.auth.default()
    except Exception:  # noqa: BLE001 - a key file that is JSON of another kind is an AttributeError
        # Without the library's words: for a broken key file they may quote it.
        value = os.environ.get(VARIABLE)
        there = (
            f"{VARIABLE} is {value!r}, which holds no usable Google credentials"
            if value
            else f"{VARIABLE} is not set, and this machine has no Google credentials of its own"
        )
        raise NoCredentials(
            f"{there}: it must be the path of a service account's key file, or the machine must "
            "have credentials (an attached service account, or `gcloud auth application-default "
            "login`)"
        ) from None
