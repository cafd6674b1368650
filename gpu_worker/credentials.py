"""Asks for Google credentials at the start: their lack is a sentence then, and no traceback.

Where a host has secrets as variables only, as RunPod has, the key itself may be one: it becomes the
file that Google's libraries look for, readable by this process only, in its own temporary folder.
"""

import json
import os
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

import google.auth

VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
#: The content of such a file.
KEY_VARIABLE = "EMBERFRAME_GOOGLE_KEY"


class NoCredentials(Exception):
    """There are none that can be used; the text says so to the operator."""


def install_key(environment: MutableMapping[str, str]) -> None:
    """Put the key in `environment` where Google's clients find it; nothing happens without one.

    It is taken out of `environment`, so that processes of ours do not inherit it. Raises
    `NoCredentials`.
    """
    key = environment.pop(KEY_VARIABLE, None)
    if not key:
        return
    if environment.get(VARIABLE):
        raise NoCredentials(f"{KEY_VARIABLE} and {VARIABLE} are both set: it must be one of them")
    try:
        content = json.loads(key)
    except (ValueError, RecursionError):
        content = None
    # What it is stays unsaid: it may be a key all the same, cut short.
    if not isinstance(content, dict) or "client_email" not in content:
        raise NoCredentials(
            f"{KEY_VARIABLE} holds no key: it must be the whole JSON of a service account's key"
        )
    file = Path(tempfile.mkdtemp(prefix="emberframe-")) / "key.json"
    file.touch(mode=0o600)
    file.write_text(key, "utf-8")
    environment[VARIABLE] = str(file)


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
